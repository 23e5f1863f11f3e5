/** Certificates over real TLS, from a proxy's header in every format, and from whoever should not be believed. */
import { Controller, Get } from '@nestjs/common';
import {
  CertBound,
  certificateFromHeader,
  ConfigurationError,
  Public,
  TokenValidationService,
  type AuthModuleOptions,
  type IncomingRequest,
} from 'nestjs-resource-server';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { AuthModule } from 'nestjs-resource-server';
import { createHash } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import type { Server } from 'node:https';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { makeAuthority } from '../support/certificates.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines, outputLogger } from '../support/no-secrets-in-output.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'ok';
  }
  @Get('bound') @CertBound() bound(): string {
    return 'ok';
  }
  @Get('public') @Public() public(): string {
    return 'ok';
  }
}

type Certificate = Awaited<ReturnType<Awaited<ReturnType<typeof makeAuthority>>['issue']>>;

let authority: Awaited<ReturnType<typeof makeAuthority>>;
let server: Certificate;
let client: Certificate;
let thief: Certificate;
let issuer: Issuer;

beforeAll(async () => {
  authority = await makeAuthority();
  [server, client, thief] = [
    await authority.issue({ commonName: 'localhost', san: ['127.0.0.1', 'localhost'] }),
    await authority.issue({ commonName: 'client' }),
    await authority.issue({ commonName: 'thief' }),
  ];
  issuer = await Issuer.start();
});
afterAll(() => issuer.close());

const thumbprint = ({ der }: Certificate): string => createHash('sha256').update(der).digest('base64url');
const boundToken = (to: Certificate = client): string =>
  issuer.token({ claims: { cnf: { 'x5t#S256': thumbprint(to) } } });

describe.each(PLATFORMS)('certificates over TLS on %s', (platform) => {
  let origin: string;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const tls = { key: server.key, cert: server.cert, requestCert: true, rejectUnauthorized: false };
    const module = await Test.createTestingModule({
      imports: [AuthModule.forRoot(issuer.introspecting)],
      controllers: [ThingsController],
    })
      .setLogger(outputLogger)
      .compile();
    const nest =
      platform === 'Express'
        ? module.createNestApplication(new ExpressAdapter(), { httpsOptions: tls })
        : module.createNestApplication(new FastifyAdapter({ https: tls }));
    await nest.listen(0, '127.0.0.1');
    origin = `https://127.0.0.1:${((nest.getHttpServer() as Server).address() as { port: number }).port}`;
    close = () => nest.close();
  });
  afterAll(() => close());

  const call = (path: string, token: string, certificate?: Certificate, agent?: Agent): Promise<number> =>
    new Promise((resolve, reject) => {
      const tls = {
        ca: authority.cert,
        ...(certificate && { cert: certificate.cert, key: certificate.key }),
      };
      httpsRequest(
        origin + path,
        {
          ...tls,
          agent: agent ?? new Agent({ maxCachedSessions: 0 }),
          headers: token === '' ? {} : bearer(token),
        },
        (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
      )
        .on('error', reject)
        .end();
    });

  it.each([
    ['a JWT', () => boundToken()],
    ['an opaque token', () => issuer.opaqueToken({ cnf: { 'x5t#S256': thumbprint(client) } })],
  ])('hold %s to the certificate on every route, fresh and remembered', async (_, make) => {
    const token = make();
    for (const path of ['/things', '/bound', '/things', '/bound']) {
      expect(await call(path, token, client)).toBe(200);
      expect(await call(path, token, thief)).toBe(401);
      expect(await call(path, token)).toBe(401);
    }
  });

  it('are asked for where the route says so', async () => {
    const token = issuer.token();
    expect([
      await call('/things', token),
      await call('/bound', token, client),
      await call('/public', ''),
    ]).toEqual([200, 401, 200]);
  });

  it('do not come out of a session resumed without one', async () => {
    const agent = new Agent({ maxCachedSessions: 10 });
    const token = boundToken();
    expect(await call('/things', '', client, agent)).toBe(401);
    expect(await call('/things', token, undefined, agent)).toBe(401);
    expect(await call('/things', token, client, agent)).toBe(200);
    agent.destroy();
  });
});

const urlEncoded = ({ cert }: Certificate): string => encodeURIComponent(cert);
const base64 = ({ der }: Certificate): string => Buffer.from(der).toString('base64');

const FORMATS = [
  ['nginx', 'x-ssl-client-cert', urlEncoded],
  ['nginx', 'x-ssl-client-cert', ({ cert }: Certificate) => cert.replace(/\n/g, '\t').trim()],
  ['haproxy', 'x-ssl-client-cert', base64],
  [
    'aws-alb',
    undefined,
    ({ cert }: Certificate) =>
      encodeURIComponent(cert).replace(/%2B/g, '+').replace(/%2F/g, '/').replace(/%3D/g, '='),
  ],
  ['rfc9440', undefined, (certificate: Certificate) => `:${base64(certificate)}:`],
  [
    'envoy',
    undefined,
    (certificate: Certificate) => `Hash=ab;Cert="${urlEncoded(certificate)}";Subject="CN=x,O=\\"y;z\\""`,
  ],
  [
    'envoy',
    undefined,
    (certificate: Certificate) =>
      `By=spiffe://a;By=spiffe://b;Hash=ab;Cert="${urlEncoded(certificate)}";Chain="${urlEncoded(certificate)}";` +
      'Subject="O=a,b";URI=spiffe://c/d?e=f;URI=;DNS=g.example;DNS=h.example',
  ],
] as const;

const NAMES: Record<string, string> = {
  'aws-alb': 'x-amzn-mtls-clientcert-leaf',
  rfc9440: 'client-cert',
  envoy: 'x-forwarded-client-cert',
};
const HEADERS: Record<string, string> = {
  ...NAMES,
  nginx: 'x-ssl-client-cert',
  haproxy: 'x-ssl-client-cert',
};

interface Claimed {
  readonly format: 'nginx' | 'envoy' | 'haproxy' | 'aws-alb' | 'rfc9440';
  readonly lines: readonly string[];
  readonly reason: string;
}

/** What arrives when a thief claims the client's certificate before a proxy that adds the thief's own to it. */
const claimedCertificates = (): Readonly<Record<string, Claimed>> => {
  const [theirs, own] = [urlEncoded(client), urlEncoded(thief)];
  const xfcc = (reason: string, ...lines: string[]): Claimed => ({ format: 'envoy', lines, reason });
  const appended = `,By=spiffe://a;Hash=ab;Cert="${own}"`;
  const [two, twoLines, malformed, misplaced] = [
    'more than one element',
    'more than one line',
    'malformed',
    'not where Envoy writes it',
  ];
  return {
    'an element of its own': xfcc(two, `Cert="${theirs}"${appended}`),
    'an element behind': xfcc(two, `By=spiffe://a;Cert="${own}",Cert="${theirs}"`),
    'an open quote': xfcc(malformed, `Cert="${theirs}${appended}`),
    'an open quote before a PEM': xfcc(malformed, `Cert="${client.cert.replace(/\n/g, ' ')}${appended}`),
    'an open quote in another pair': xfcc(malformed, `Cert="${theirs}";Subject="${appended}`),
    'a quote that is escaped': xfcc(malformed, `Cert="${theirs}\\"${appended}`),
    'text behind a quote': xfcc(malformed, `Cert="${theirs}"x${appended}`),
    'a bare quote': xfcc(malformed, `Cert=${theirs}";Subject="${appended}`),
    'an unquoted Cert': xfcc(misplaced, `Cert=${theirs}`),
    'a second Cert': xfcc(malformed, `Hash=ab;Cert="${own}";Cert="${theirs}"`),
    'a second Cert in other letters': xfcc(malformed, `Hash=ab;Cert="${own}";CERT="${theirs}"`),
    'a second Cert from a URI': xfcc(malformed, `Hash=ab;Cert="${own}";URI=spiffe://a;Cert="${theirs}"`),
    'an element from a URI': xfcc(two, `Hash=ab;Cert="${own}";URI=spiffe://a,Cert="${theirs}"`),
    'a Cert from a URI alone': xfcc(misplaced, `Hash=ab;Subject="";URI=spiffe://a;Cert="${theirs}"`),
    'a Cert from a DNS name alone': xfcc(misplaced, `Hash=ab;DNS=a;Cert="${theirs}"`),
    'a pair of no name': xfcc(malformed, `="";Cert="${theirs}"`),
    'a pair that Envoy does not write': xfcc(malformed, `X=a;Cert="${theirs}"`),
    'nothing behind the last semicolon': xfcc(malformed, `Cert="${theirs}";`),
    'nothing behind the last comma': xfcc(two, `Cert="${theirs}",`),
    'no Cert': xfcc('no Cert', `Hash=ab;Subject="Cert=${theirs}"`),
    'two PEMs in a Cert': xfcc('not one certificate', `Cert="${theirs}${own}"`),
    'a line of its own in XFCC': xfcc(twoLines, `Cert="${theirs}"`, `Cert="${own}"`),
    'a line of its own to nginx': { format: 'nginx', lines: [theirs, own], reason: twoLines },
    'a line of its own to nginx, whose line is empty': {
      format: 'nginx',
      lines: [theirs, ''],
      reason: twoLines,
    },
    'a PEM before that of nginx': { format: 'nginx', lines: [theirs + own], reason: 'not one certificate' },
    'a PEM in a list to nginx': {
      format: 'nginx',
      lines: [`${theirs}, ${own}`],
      reason: 'not one certificate',
    },
    'text before the PEM': { format: 'nginx', lines: [`x${theirs}`], reason: 'not one certificate' },
    'a line of its own to aws-alb': { format: 'aws-alb', lines: [theirs, own], reason: twoLines },
    'a certificate before that of HAProxy': {
      format: 'haproxy',
      lines: [Buffer.concat([client.der, thief.der]).toString('base64')],
      reason: 'not one certificate',
    },
    'a line of its own to HAProxy': {
      format: 'haproxy',
      lines: [base64(client), base64(thief)],
      reason: twoLines,
    },
    'a line of its own in RFC 9440': {
      format: 'rfc9440',
      lines: [`:${base64(client)}:`, `:${base64(thief)}:`],
      reason: twoLines,
    },
    'a member of a list in RFC 9440': {
      format: 'rfc9440',
      lines: [`:${base64(client)}:, :${base64(thief)}:`],
      reason: 'not one byte sequence',
    },
  };
};

describe.each(PLATFORMS)('certificates from a header on %s', (platform) => {
  let app: TestApp | undefined;
  const boot = async (certificateResolver: AuthModuleOptions['certificateResolver']): Promise<TestApp> => {
    const options = { ...issuer.options, certificateResolver };
    return (app = await bootApp(options, { platform, controllers: [ThingsController] }));
  };
  afterEach(() => app?.close());

  it.each(FORMATS)('as %s writes it (%s)', async (format, header, write) => {
    const name = header ?? HEADERS[format] ?? '';
    const trustedProxies = ['10.0.0.0/8', 'loopback'];
    const booted = await boot(certificateFromHeader({ format, trustedProxies, ...(header && { header }) }));
    const status = async (certificate: string): Promise<number> =>
      (
        await booted.get('/things', {
          ...bearer(boundToken()),
          ...(certificate !== '' && { [name]: certificate }),
        })
      ).status;
    expect([await status(write(client)), await status(write(thief)), await status('')]).toEqual([
      200, 401, 401,
    ]);
    for (const garbage of [
      'x',
      '%',
      '%ZZ',
      ':',
      '::',
      '-----BEGIN CERTIFICATE-----',
      'Cert=',
      '"',
      'a;b,c',
      base64(client).slice(9),
    ]) {
      expect([garbage, await status(garbage)]).toEqual([garbage, 401]);
    }
  });

  it.each(Object.keys(HEADERS))('is one line with one certificate (%s)', async (format) => {
    const header = format in NAMES ? {} : { header: HEADERS[format] ?? '' };
    const booted = await boot(
      certificateFromHeader({ format: format as Claimed['format'], trustedProxies: ['loopback'], ...header }),
    );
    const name = HEADERS[format] ?? '';
    const attacks = Object.entries(claimedCertificates()).filter(([, attack]) => attack.format === format);
    expect(attacks).not.toHaveLength(0);
    for (const [attack, { lines, reason }] of attacks) {
      const headers = [['Authorization', `Bearer ${boundToken()}`], ...lines.map((line) => [name, line])];
      for (let i = 0; i < 3; i++) {
        const { status } = await booted.get('/things', headers as [string, string][]);
        expect([attack, status]).toEqual([attack, 401]);
      }
      const logged = loggedLines().filter((line) => line.startsWith(`${name} is ignored: `));
      expect([attack, logged.filter((line) => line.includes(reason))]).toEqual([
        attack,
        [expect.any(String)],
      ]);
    }
  });

  it('is what was received, whatever other code writes into the request', async () => {
    const certificateResolver = certificateFromHeader({ format: 'rfc9440', trustedProxies: ['loopback'] });
    const pretending = (request: IncomingRequest): unknown => {
      request.headers['client-cert'] = `:${base64(client)}:`;
      return certificateResolver(request);
    };
    const booted = await boot(pretending as never);
    expect((await booted.get('/things', bearer(boundToken()))).status).toBe(401);
    const received = { ...bearer(boundToken(thief)), 'client-cert': `:${base64(thief)}:` };
    expect((await booted.get('/things', received)).status).toBe(200);
  });

  it('is not believed of anybody else, which is logged once, whatever the token', async () => {
    const booted = await boot(
      certificateFromHeader({
        format: 'nginx',
        header: 'x-ssl-client-cert',
        trustedProxies: ['127.0.0.2', '10.0.0.0/8', 'fd00::/8'],
      }),
    );
    const headers = { 'x-ssl-client-cert': urlEncoded(client), 'x-forwarded-for': '10.0.0.1' };
    for (let i = 0; i < 5; i++) {
      expect((await booted.get('/things', { ...bearer(boundToken()), ...headers })).status).toBe(401);
    }
    expect((await booted.get('/bound', { ...bearer(issuer.token()), ...headers })).status).toBe(401);
    expect(loggedLines().filter((line) => line.includes('not among trustedProxies'))).toHaveLength(1);
  });

  it.each(['garbage', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])(
    'that a resolver of the application makes of %j is a 401',
    async (pem) => {
      const booted = await boot(() => pem);
      expect((await booted.get('/things', bearer(boundToken()))).status).toBe(401);
    },
  );

  it('500 when a resolver of the application throws', async () => {
    const booted = await boot(() => Promise.reject(new Error('no')));
    expect((await booted.get('/things', bearer(boundToken()))).status).toBe(500);
    expect((await booted.get('/things', bearer(issuer.token()))).status).toBe(200);
  });
});

describe('certificateFromHeader refuses to be built', () => {
  it.each<[string, object]>([
    ['without trustedProxies', { format: 'rfc9440' }],
    ['for no proxy', { format: 'rfc9440', trustedProxies: [] }],
    ['for a name', { format: 'rfc9440', trustedProxies: ['proxy.example'] }],
    ['for a range that is none', { format: 'rfc9440', trustedProxies: ['10.0.0.0/33'] }],
    ['for an empty range', { format: 'rfc9440', trustedProxies: ['10.0.0.0/'] }],
    ['for an unknown format', { format: 'toString', trustedProxies: ['loopback'] }],
    ['for nginx without a header', { format: 'nginx', trustedProxies: ['loopback'] }],
  ])('%s', (_, options) => {
    expect(() => certificateFromHeader(options as never)).toThrow(ConfigurationError);
  });
});

describe('TokenValidationService', () => {
  it('holds a bound token to the certificate that it is given', async () => {
    const app = await bootApp(issuer.options, { platform: 'Express', controllers: [] });
    const service = app.nest.get(TokenValidationService);
    const token = boundToken();
    const claims = { sub: 'user-1' };
    await expect(
      service.validateAccessToken(token, { clientCertificate: client.cert }),
    ).resolves.toMatchObject(claims);
    await expect(
      service.validateAccessToken(token, { clientCertificate: client.der }),
    ).resolves.toMatchObject(claims);
    await expect(
      service.validateAccessToken(token, { validateCertificateBinding: false }),
    ).resolves.toMatchObject(claims);
    for (const options of [{}, { clientCertificate: thief.cert }, { clientCertificate: 'junk' }]) {
      await expect(service.validateAccessToken(token, options)).rejects.toMatchObject({
        code: 'invalid_token',
      });
    }
    const unbound = { validateCertificateBinding: true, clientCertificate: client.cert };
    await expect(service.validateAccessToken(issuer.token(), unbound)).rejects.toMatchObject({
      code: 'invalid_token',
    });
    const dpopBound = issuer.token({ claims: { cnf: { jkt: 'x' } } });
    await expect(service.validateAccessToken(dpopBound)).rejects.toMatchObject({ code: 'invalid_token' });
    await app.close();
  });
});
