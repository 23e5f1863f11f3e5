/** Addresses that the provider's metadata names: which are never asked, and what is logged of them. */
import type { AuthModuleOptions, Fetcher } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { keepSecret, loggedLines } from '../support/no-secrets-in-output.js';
import { nowInSeconds } from '../support/tokens.js';

const ELSEWHERE = 'https://issuer.example';
const PASSWORD = keepSecret('a-password-in-an-address');

describe.each(PLATFORMS)('addresses in metadata on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  const boot = async (options: AuthModuleOptions): Promise<void> => {
    app = await bootApp(options, { platform });
  };
  const publish = (metadata: Record<string, unknown>): void =>
    issuer.server.answerWith(
      issuer.server.discoveryPath,
      200,
      JSON.stringify({ ...issuer.server.metadata, ...metadata }),
    );
  const status = async (token: string): Promise<number> => (await app.get('/things', bearer(token))).status;
  const refused = (): string =>
    loggedLines()
      .filter((line) => line.includes('rejected: '))
      .join('\n');

  describe('of an issuer that is not on this machine', () => {
    /** Reaches the issuer's https address at the server on this machine; everything else as it is. */
    const fetcher: Fetcher = (url, init) => fetch(url.replace(ELSEWHERE, issuer.server.origin), init);
    const elsewhere = (): AuthModuleOptions => ({ ...issuer.introspecting, issuer: ELSEWHERE, fetcher });
    const jwt = (): string => issuer.token({ claims: { iss: ELSEWHERE } });
    const opaque = (): string => issuer.opaqueToken({ iss: ELSEWHERE });
    const endpoints = (origin: string): Record<string, string> => ({
      jwks_uri: `${origin}/jwks`,
      introspection_endpoint: `${origin}/introspect`,
    });

    it('are asked there', async () => {
      publish({ issuer: ELSEWHERE, ...endpoints(ELSEWHERE) });
      await boot(elsewhere());
      expect([await status(jwt()), await status(opaque())]).toEqual([200, 200]);
    });

    it.each(['127.0.0.1', 'localhost', 'x.localhost'])(
      'are not asked by http on %s: no keys, no secret, no token',
      async (host) => {
        publish({ issuer: ELSEWHERE, ...endpoints(`http://${host}:${issuer.server.port}`) });
        await boot(elsewhere());
        expect([await status(jwt()), await status(opaque())]).toEqual([500, 500]);
        expect([issuer.server.count('/jwks'), issuer.server.count('/introspect')]).toEqual([0, 0]);
        expect(refused()).toContain('is a loopback address, but the issuer is not');
      },
    );

    it('are not asked by http at an alias for TLS client authentication', async () => {
      publish({
        issuer: ELSEWHERE,
        ...endpoints(ELSEWHERE),
        mtls_endpoint_aliases: endpoints(issuer.server.origin),
      });
      const byTls = { ...elsewhere(), clientSecret: undefined, clientAuthMethod: 'tls_client_auth' } as const;
      await boot(byTls);
      expect([await status(opaque()), issuer.server.count('/introspect')]).toEqual([500, 0]);
    });

    it('are asked by http on this machine where the application names them', async () => {
      publish({ issuer: ELSEWHERE, ...endpoints('https://nowhere.example') });
      await boot({
        ...elsewhere(),
        jwksUri: `${issuer.server.origin}/jwks`,
        introspectionEndpoint: `${issuer.server.origin}/introspect`,
      });
      expect([await status(jwt()), await status(opaque())]).toEqual([200, 200]);
    });

    it('are asked by http where allowInsecureRequests says so', async () => {
      publish({ issuer: ELSEWHERE, ...endpoints(issuer.server.origin) });
      await boot({ ...elsewhere(), allowInsecureRequests: true });
      expect([await status(jwt()), await status(opaque())]).toEqual([200, 200]);
    });
  });

  it.each(['jwks_uri', 'introspection_endpoint'])(
    'are not asked with a password in %s, which is not logged',
    async (member) => {
      publish({ [member]: `http://user:${PASSWORD}@127.0.0.1:${issuer.server.port}/x` });
      await boot(issuer.introspecting);
      expect(await status(member === 'jwks_uri' ? issuer.token() : issuer.opaqueToken())).toBe(500);
      expect(issuer.server.count('/x')).toBe(0);
      expect(refused()).toContain(
        `http://127.0.0.1:${issuer.server.port}/x contains a user name or a password`,
      );
    },
  );

  it('503, and no password in the log, when a fetcher fails with that of its proxy', async () => {
    const proxy = `http://proxy:${PASSWORD}@proxy.example:3128`;
    await boot({
      ...issuer.options,
      fetcher: () => Promise.reject(new Error(`cannot connect to ${proxy}/?key=${PASSWORD}`)),
      warmUp: 'off',
    });
    const thrown = await app.get('/things', bearer(issuer.token({ claims: { exp: nowInSeconds() + 60 } })));
    expect(thrown.status).toBe(503);
    const lines = loggedLines().filter((line) => line.startsWith('fetching the keys failed'));
    expect(lines).toEqual([expect.stringContaining('cannot connect to http://…@proxy.example:3128/?…')]);
  });

  it.each(['http://[', 'https://user:secret@'])(
    '503 when they redirect to %s, once in the log',
    async (location) => {
      issuer.server.answerWith('/jwks', 302, '', { location });
      await boot(issuer.options);
      expect([await status(issuer.token()), await status(issuer.token())]).toEqual([503, 503]);
      expect(loggedLines().join('\n')).not.toContain('internal error');
      expect(loggedLines().filter((line) => line.startsWith('fetching the keys failed'))).toHaveLength(1);
    },
  );

  it('are read with a byte order mark before the documents', async () => {
    const bom = '\uFEFF';
    const { server } = issuer;
    publish({});
    server.answerWith(server.discoveryPath, 200, bom + JSON.stringify(server.metadata));
    server.answerWith('/jwks', 200, bom + JSON.stringify({ keys: server.keys }));
    const answer = { active: true, ...issuer.claims(), aud: AUDIENCE };
    server.answerWith('/introspect', 200, bom + JSON.stringify(answer));
    await boot(issuer.introspecting);
    expect([await status(issuer.token()), await status(issuer.opaqueToken())]).toEqual([200, 200]);
  });
});
