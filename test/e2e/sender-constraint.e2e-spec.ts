/** The behaviour matrix of docs/sender-constrained-tokens.md, every cell of it. */
import { Controller, Get } from '@nestjs/common';
import { CertBound, DPoPBound, type AuthModuleOptions, type IncomingRequest } from 'nestjs-resource-server';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bootApp, PLATFORMS, type TestApp, ThingsController } from '../support/app.js';
import { makeAuthority } from '../support/certificates.js';
import { DPoPClient } from '../support/dpop.js';
import { Issuer } from '../support/issuer.js';

@Controller()
class BoundController {
  @Get('dpop') @DPoPBound() dpop(): string {
    return 'ok';
  }
  @Get('cert') @CertBound() cert(): string {
    return 'ok';
  }
}

const PLACES: Readonly<Record<string, { readonly path: string; readonly options: AuthModuleOptions }>> = {
  '`when_present`': { path: '/things', options: {} },
  '`required`': { path: '/things', options: { dpop: { mode: 'required' } } },
  '`off`': { path: '/things', options: { dpop: { mode: 'off' } } },
  '`@DPoPBound()`': { path: '/dpop', options: {} },
  '`@CertBound()`': { path: '/cert', options: {} },
  'certificates `required`': { path: '/things', options: { validateCertificateBinding: 'required' } },
};

const [head = [], ...rows] = readFileSync('docs/sender-constrained-tokens.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  )
  .filter((cells) => cells.length === 9);

const CELLS = rows.flatMap(([bound = '', sent = '', certificate = '', ...statuses]) =>
  statuses.map((status, i) => ({
    bound,
    sent,
    certificate,
    place: head[i + 3] ?? '',
    status: Number(status),
  })),
);

it('the matrix is read', () => {
  expect(CELLS).toHaveLength(19 * 6);
  expect(new Set(CELLS.map(({ place }) => place))).toEqual(new Set(Object.keys(PLACES)));
});

describe.each(PLATFORMS)('sender constraint on %s', (platform) => {
  let issuer: Issuer;
  let client: DPoPClient;
  let thief: DPoPClient;
  const certificates: Record<string, string> = {};
  const apps = new Map<string, TestApp>();

  beforeAll(async () => {
    [issuer, client, thief] = [await Issuer.start(), await DPoPClient.make(), await DPoPClient.make()];
    const authority = await makeAuthority();
    certificates['right'] = (await authority.issue({ commonName: 'client' })).cert;
    certificates['another'] = (await authority.issue({ commonName: 'thief' })).cert;
    const certificateResolver = ({ headers }: IncomingRequest): string | undefined =>
      certificates[String(headers['x-test-certificate'])];
    for (const [place, { options }] of Object.entries(PLACES)) {
      const resolved = { ...issuer.introspecting, ...options, certificateResolver };
      const controllers = place === '`off`' ? [ThingsController] : [ThingsController, BoundController];
      apps.set(place, await bootApp(resolved, { platform, controllers }));
    }
  });
  afterAll(async () => {
    await Promise.all([...apps.values()].map((app) => app.close()));
    await issuer.close();
  });

  const confirmationFor = (bound: string): Record<string, unknown> => {
    const jkt = client.jkt;
    const x5t = createHash('sha256')
      .update(new X509Certificate(certificates['right'] ?? '').raw)
      .digest('base64url');
    const members: Record<string, unknown> = {
      nothing: undefined,
      'a key': { jkt },
      'a certificate': { 'x5t#S256': x5t },
      both: { jkt, 'x5t#S256': x5t },
    };
    if (!(bound in members)) throw new Error(`the matrix binds to ${bound}?`);
    return { cnf: members[bound] };
  };

  const headersFor = (
    token: string,
    sent: string,
    certificate: string,
    url: string,
  ): Record<string, string> => {
    const [scheme, proof] = sent.split(', ');
    const made: Record<string, string | undefined> = {
      'good proof': client.proof({ url, token }),
      'proof of another key': thief.proof({ url, token }),
      'no proof': undefined,
    };
    if (proof !== undefined && !(proof in made)) throw new Error(`the matrix sends ${proof}?`);
    const dpop = proof === undefined ? undefined : made[proof];
    return {
      authorization: `${scheme} ${token}`,
      'x-test-certificate': certificate,
      ...(dpop !== undefined && { dpop }),
    };
  };

  it.each(CELLS)('$bound, $sent, certificate $certificate, $place: $status', async (cell) => {
    const app = apps.get(cell.place);
    const path = PLACES[cell.place]?.path ?? '';
    if (!app) throw new Error(`the matrix has a column ${cell.place}?`);
    const claims = confirmationFor(cell.bound);
    for (const token of [issuer.token({ claims }), issuer.opaqueToken(claims)]) {
      for (const _time of ['fresh', 'remembered']) {
        const headers = headersFor(token, cell.sent, cell.certificate, app.origin + path);
        const answer = await app.get(path, headers);
        expect(answer.status).toBe(cell.status);
        if (cell.status === 401)
          expect(String(answer.headers['www-authenticate'])).toMatch(/error="invalid_/);
      }
    }
  });
});
