/** The option `profile: 'fapi2'`: each requirement of the FAPI 2.0 Security Profile that concerns resource servers. docs/fapi.md */
import { Controller, Get, Post } from '@nestjs/common';
import {
  CertBound,
  ConfigurationError,
  Scopes,
  TokenValidationService,
  type AuthModuleOptions,
  type IncomingRequest,
} from 'nestjs-resource-server';
import { createHash, X509Certificate } from 'node:crypto';
import type { JWK } from 'jose';
import { generateKeys } from '../../lib/testing/generate-keys.js';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { makeAuthority } from '../support/certificates.js';
import { advanceClock } from '../support/clock.js';
import { DPoPClient } from '../support/dpop.js';
import { bearer, type Answer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { encode, makeKey, nowInSeconds } from '../support/tokens.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'ok';
  }
  @Post('things') create(): string {
    return 'ok';
  }
  @Get('scoped') @Scopes('admin') scoped(): string {
    return 'ok';
  }
  @Get('cert') @CertBound() cert(): string {
    return 'ok';
  }
}

const controllers = [ThingsController];
const ALGS = 'PS256 ES256 EdDSA Ed25519';
const WARNING = /profile fapi2: a revoked token is accepted until it expires/;

describe.each(PLATFORMS)('profile fapi2 on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  let client: DPoPClient;
  let certificate: string;
  const apps: TestApp[] = [];

  const boot = async (options: AuthModuleOptions = {}): Promise<TestApp> => {
    const booted = await bootApp(
      { ...issuer.options, profile: 'fapi2', ...options },
      { platform, controllers },
    );
    apps.push(booted);
    return booted;
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
    client = await DPoPClient.make();
    certificate = (await (await makeAuthority()).issue({ commonName: 'client' })).cert;
    app = await boot({
      resourceMetadata: { resource: 'https://api.example.com' },
      certificateResolver: ({ headers }: IncomingRequest) =>
        headers['x-test-certificate'] === 'right' ? certificate : undefined,
    });
  });
  afterAll(async () => {
    await Promise.all(apps.map((each) => each.close()));
    await issuer.close();
  });

  const bound = (claims: Record<string, unknown> = {}): Record<string, unknown> => ({
    cnf: { jkt: client.jkt },
    ...claims,
  });
  const get = (token: string, path = '/things', by = client, to = app): Promise<Answer> =>
    to.get(path, by.headers({ url: to.origin + path, token }));

  it('accepts a DPoP-bound token with its proof, fresh and remembered, signed and opaque', async () => {
    const token = issuer.token({ claims: bound() });
    expect([(await get(token)).status, (await get(token)).status]).toEqual([200, 200]);
    const introspecting = await boot({ ...issuer.introspecting });
    const opaque = issuer.opaqueToken(bound());
    expect((await get(opaque, '/things', client, introspecting)).status).toBe(200);
    expect((await get(opaque, '/things', client, introspecting)).status).toBe(200);
  });

  it('accepts a certificate-bound token with its certificate', async () => {
    const x5t = createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
    const token = issuer.token({ claims: { cnf: { 'x5t#S256': x5t } } });
    for (const path of ['/things', '/cert']) {
      const answer = await app.get(path, { ...bearer(token), 'x-test-certificate': 'right' });
      expect(answer.status).toBe(200);
    }
    expect((await app.get('/things', bearer(token))).status).toBe(401);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no cnf', {}],
    ['an empty cnf', { cnf: {} }],
    ['a cnf of another kind', { cnf: { kid: 'k' } }],
  ])('refuses a token that is bound to nobody: %s', async (_name, claims) => {
    const introspecting = await boot({ ...issuer.introspecting });
    for (const [to, token] of [
      [app, issuer.token({ claims })],
      [introspecting, issuer.opaqueToken(claims)],
    ] as const) {
      for (const _time of ['fresh', 'remembered']) {
        const answer = await to.get('/things', bearer(token));
        expect(answer.status).toBe(401);
        expect(String(answer.headers['www-authenticate'])).toContain('error="invalid_token"');
      }
    }
    const service = app.nest.get(TokenValidationService);
    await expect(service.validateAccessToken(issuer.token({ claims }))).rejects.toMatchObject({
      code: 'invalid_token',
      reason: 'binding',
    });
  });

  it('refuses a DPoP-bound token as Bearer, and a proof used twice', async () => {
    const token = issuer.token({ claims: bound() });
    expect((await app.get('/things', bearer(token))).status).toBe(401);
    const headers = client.headers({ url: `${app.origin}/things`, token });
    expect((await app.get('/things', headers)).status).toBe(200);
    expect((await app.get('/things', headers)).status).toBe(401);
  });

  describe('algorithms', () => {
    it.each(['PS256', 'ES256', 'EdDSA', 'Ed25519'])(
      '%s is accepted, for tokens and for proofs',
      async (alg) => {
        const signer = await Issuer.start(undefined, makeKey(alg));
        const accepting = await boot(signer.options);
        const prover = await DPoPClient.make(alg);
        const token = signer.token({ claims: { cnf: { jkt: prover.jkt } } });
        expect((await get(token, '/things', prover, accepting)).status).toBe(200);
        await signer.close();
      },
    );

    it.each(['RS256', 'RS512', 'PS384', 'PS512', 'ES384', 'ES512'])(
      '%s is refused, for tokens and for proofs',
      async (alg) => {
        const signer = await Issuer.start(undefined, makeKey(alg));
        const refusing = await boot(signer.options);
        expect((await get(signer.token({ claims: bound() }), '/things', client, refusing)).status).toBe(401);
        await signer.close();

        const prover = await DPoPClient.make(alg);
        const answer = await get(issuer.token({ claims: { cnf: { jkt: prover.jkt } } }), '/things', prover);
        expect(answer.status).toBe(401);
        expect(String(answer.headers['www-authenticate'])).toContain('error="invalid_dpop_proof"');
      },
    );

    it('none is refused', async () => {
      const [, payload = ''] = issuer.token({ claims: bound() }).split('.');
      const none = `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`;
      expect((await get(none)).status).toBe(401);
    });

    it('an RSA key of 1024 bits is refused', async () => {
      const { publicKey, privateKey } = generateKeys('rsa', { modulusLength: 1024 });
      const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'weak', alg: 'PS256', use: 'sig' } as JWK;
      const weak = { alg: 'PS256', kid: 'weak', publicKey, privateKey, jwk };
      const signer = await Issuer.start(undefined, weak);
      const refusing = await boot(signer.options);
      expect((await get(signer.token({ claims: bound() }), '/things', client, refusing)).status).toBe(401);
      await signer.close();
    });
  });

  it('reads the header, and nothing else', async () => {
    const token = issuer.token({ claims: bound() });
    expect((await app.get(`/things?access_token=${token}`)).status).toBe(401);
    const form = await app.send('/things', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `access_token=${token}`,
    });
    expect(form.status).not.toBe(201);
    const both = await app.get(
      `/things?access_token=${token}`,
      client.headers({ url: `${app.origin}/things`, token }),
    );
    expect(both.status).toBe(400);
  });

  it('accepts clocks 10 s ahead, and refuses 60 s', async () => {
    const ahead = (seconds: number): string =>
      issuer.token({ claims: bound({ iat: nowInSeconds() + seconds, nbf: nowInSeconds() + seconds }) });
    expect((await get(ahead(10))).status).toBe(200);
    expect((await get(ahead(60))).status).toBe(401);
    const token = issuer.token({ claims: bound({ exp: nowInSeconds() + 10 }) });
    expect((await get(token)).status).toBe(200);
    advanceClock(45);
    expect((await get(token)).status).toBe(401);
  });

  it('answers a scope that is missing as RFC 6750 does, in the scheme that was used', async () => {
    const answer = await get(issuer.token({ claims: bound() }), '/scoped');
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toMatch(
      new RegExp(`^DPoP error="insufficient_scope", scope="admin", algs="${ALGS}"`),
    );
  });

  it('tells clients what it takes, in challenges and in its metadata', async () => {
    const { headers } = await app.get('/things');
    expect(headers['www-authenticate']).toContain(`DPoP algs="${ALGS}"`);
    const { body } = await app.get('/.well-known/oauth-protected-resource');
    expect(body).toMatchObject({
      dpop_signing_alg_values_supported: ALGS.split(' '),
      tls_client_certificate_bound_access_tokens: true,
      bearer_methods_supported: ['header'],
    });
  });

  it.each<[string, AuthModuleOptions, RegExp]>([
    [
      'another algorithm',
      { signingAlgorithms: ['ES256', 'RS256'] },
      /signingAlgorithms .*"RS256" is not permitted/,
    ],
    ['a tolerance of 5', { clockTolerance: 5 }, /clockTolerance .*5 is not 10 to 60 seconds/],
    ['a tolerance of 300', { clockTolerance: 300 }, /clockTolerance .*300 is not 10 to 60 seconds/],
    ['plain http', { allowInsecureRequests: true }, /allowInsecureRequests: contradicts profile fapi2/],
    ['an issuer over http', { issuer: 'http://issuer.example.com' }, /issuer .* is not https/],
    ['a public URL over http', { publicUrl: 'http://api.example.com' }, /publicUrl .* is not https/],
    [
      'another place for tokens',
      { tokenResolver: () => undefined },
      /tokenResolver: contradicts profile fapi2/,
    ],
    ['another profile', { profile: 'fapi1' as never }, /profile .*is not fapi2/],
  ])('does not start with %s', async (_name, options, message) => {
    const starting = boot(options);
    await expect(starting).rejects.toThrow(message);
    await expect(starting).rejects.toBeInstanceOf(ConfigurationError);
  });

  it.each<[string, AuthModuleOptions]>([
    ['the bounds of the tolerance', { clockTolerance: 10 }],
    ['the other bound', { clockTolerance: 60 }],
    ['one algorithm', { signingAlgorithms: ['PS256'] }],
    ['a public URL', { publicUrl: 'https://api.example.com' }],
    ['a public URL on this machine', { publicUrl: 'http://localhost:3000' }],
    ['certificates only', { dpop: { mode: 'off' } }],
    ['DPoP only', { dpop: { mode: 'required' } }],
    ['back-channel logout', { backChannelLogout: true, logoutAudience: 'api' }],
    [
      'introspection',
      { clientId: 'api', clientSecret: 'the-secret-of-the-api-itself', introspectJwtTokens: true },
    ],
  ])('starts with %s', async (name, options) => {
    await boot(options);
    const warned = loggedLines().some((line) => WARNING.test(line));
    expect(warned).toBe(!['introspection', 'back-channel logout'].includes(name));
  });

  it.each([
    [true, true, false],
    [true, false, true],
  ])('with several issuers, warns unless each introspects (%s, %s)', async (first, second, warns) => {
    const clientSecret = 'the-secret-of-the-api-itself';
    await boot({
      issuer: undefined,
      clientId: 'api',
      clientSecret,
      opaqueTokenIssuer: () => undefined,
      issuers: [
        { issuer: 'https://one.example', introspectJwtTokens: first },
        { issuer: 'https://two.example', introspectJwtTokens: second },
      ],
    });
    expect(loggedLines().some((line) => WARNING.test(line))).toBe(warns);
  });

  it('is set by its variable, too', async () => {
    process.env['MONOCLOUD_BACKEND_PROFILE'] = 'fapi2';
    try {
      const byVariable = await boot({ profile: undefined });
      expect((await byVariable.get('/things', bearer(issuer.token()))).status).toBe(401);
      process.env['MONOCLOUD_BACKEND_PROFILE'] = 'fapi3';
      await expect(boot({ profile: undefined })).rejects.toThrow(/profile \(MONOCLOUD_BACKEND_PROFILE\)/);
    } finally {
      delete process.env['MONOCLOUD_BACKEND_PROFILE'];
    }
  });
});
