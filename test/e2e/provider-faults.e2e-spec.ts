/** Their fault is 401, ours or the provider's is 5xx: every way in which a provider fails, on both platforms. */
import { EventEmitter, once } from 'node:events';
import { gzipSync } from 'node:zlib';
import type { AuthModuleOptions } from 'nestjs-resource-server';
import type { AuthorizationServer } from '../support/authorization-server.js';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

const JWKS = '/jwks';
const DISCOVERY = '/.well-known/openid-configuration';
const SECRET_HOST = 'internal-host.corp.example';

type Spoil = (server: AuthorizationServer) => AuthModuleOptions | void;

let isFetcherBroken = true;
const breaking =
  (broken: typeof fetch): typeof fetch =>
  (...call) =>
    isFetcherBroken ? broken(...call) : fetch(...call);

/** The provider's fault, or the network's: worth another try. */
const UNAVAILABLE: readonly (readonly [string, Spoil])[] = [
  ...[DISCOVERY, JWKS].flatMap((path): [string, Spoil][] => [
    [`${path} hangs up`, (server) => server.answer(path, (_, response) => response.destroy())],
    [
      `${path} does not answer`,
      (server) => {
        server.answer(path, () => undefined);
        return { responseTimeout: 0.2 };
      },
    ],
    [
      `${path} begins and does not end`,
      (server) => {
        server.answer(path, (_, response) => void response.writeHead(200).write('{"keys":'));
        return { responseTimeout: 0.2 };
      },
    ],
    [`${path} answers 500`, (server) => server.answerWith(path, 500, SECRET_HOST)],
    [`${path} answers 503`, (server) => server.answerWith(path, 503, '')],
    [`${path} answers 429`, (server) => server.answerWith(path, 429, '', { 'retry-after': '7' })],
    [`${path} answers HTML`, (server) => server.answerWith(path, 200, `<html>${SECRET_HOST}</html>`)],
    [`${path} answers null`, (server) => server.answerWith(path, 200, 'null')],
    [`${path} answers a list`, (server) => server.answerWith(path, 200, '[]')],
    [`${path} answers nothing`, (server) => server.answerWith(path, 200, '')],
    ...['http://[', 'https://[::', '//', 'http:// '].map((location): [string, Spoil] => [
      `${path} redirects to ${JSON.stringify(location)}`,
      (server) => server.answerWith(path, 302, '', { location }),
    ]),
    [
      `${path} answers with what becomes too large when it is read`,
      (server) => {
        const bomb = gzipSync('x'.repeat(10_000_000));
        server.answer(path, (_, response) =>
          response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
        );
      },
    ],
    [
      `${path} answers in an encoding that is not known`,
      (server) => server.answerWith(path, 200, '{}', { 'content-encoding': 'constructor' }),
    ],
    [`${path} is cut off`, (server) => server.answerWith(path, 200, '{"keys":[', {})],
    [
      `${path} answers a megabyte`,
      (server) => server.answerWith(path, 200, `{"keys":[],"x":"${'x'.repeat(1e6)}"}`),
    ],
  ]),
  ['the key set is empty', (server) => server.answerWith(JWKS, 200, '{"keys":[]}')],
  ['the key set has no keys', (server) => server.answerWith(JWKS, 200, '{}')],
  ['a fetcher fails', () => ({ fetcher: breaking(() => Promise.reject(new Error(SECRET_HOST))) })],
  [
    'a fetcher never answers',
    () => ({ fetcher: breaking(() => new Promise(() => undefined)), responseTimeout: 0.2 }),
  ],
];

/** Asking again would not help: somebody has to change something. */
const MISCONFIGURED: readonly (readonly [string, Spoil, string])[] = [
  ['there is no discovery document', (server) => server.answerWith(DISCOVERY, 404, ''), 'neither'],
  ['discovery is forbidden', (server) => server.answerWith(DISCOVERY, 403, ''), 'answered 403'],
  [
    'discovery names another issuer',
    (server) => server.answerWith(DISCOVERY, 200, '{"issuer":"https://other.example"}'),
    'https://other.example',
  ],
  ['discovery names no issuer', (server) => server.answerWith(DISCOVERY, 200, '{}'), 'undefined'],
  [
    'discovery names no keys',
    (server) => server.answerWith(DISCOVERY, 200, JSON.stringify({ issuer: server.issuer })),
    'jwks_uri',
  ],
  [
    'the keys are not behind https',
    (server) => {
      const metadata = { issuer: server.issuer, jwks_uri: 'http://keys.example/jwks' };
      server.answerWith(DISCOVERY, 200, JSON.stringify(metadata));
    },
    'not https',
  ],
  ['the keys are not there', (server) => server.answerWith(JWKS, 404, ''), 'answered 404'],
  [
    'discovery redirects elsewhere',
    (server) => server.answerWith(DISCOVERY, 302, '', { location: 'https://elsewhere.example/x' }),
    'not followed',
  ],
  [
    'discovery redirects in a circle',
    (server) => server.answerWith(DISCOVERY, 301, '', { location: DISCOVERY }),
    'not followed',
  ],
];

describe.each(PLATFORMS)('provider faults on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp | undefined;

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterAll(() => issuer.close());
  afterEach(async () => {
    await app?.close();
    issuer.server.recover();
    isFetcherBroken = true;
  });

  const boot = async (spoil: Spoil): Promise<TestApp> => {
    const options = { ...issuer.options, ...spoil(issuer.server) };
    return (app = await bootApp(options, { platform }));
  };

  it.each(UNAVAILABLE)('503 when %s, and recovers by itself', async (_, spoil) => {
    const booted = await boot(spoil);
    for (let requests = 0; requests < 2; requests++) {
      const answer = await booted.get('/things', bearer(issuer.token()));
      expect(answer.status).toBe(503);
      expect(answer.body).toEqual({ statusCode: 503, message: 'service unavailable' });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(answer.headers['www-authenticate']).toBeUndefined();
      expect(JSON.stringify([answer.headers, answer.text])).not.toContain(SECRET_HOST);
    }
    expect(loggedLines().filter((line) => line.startsWith('fetching the keys failed'))).toHaveLength(1);

    issuer.server.recover();
    isFetcherBroken = false;
    // As long as one of them asked for.
    advanceClock(8);
    expect((await booted.get('/things', bearer(issuer.token()))).status).toBe(200);
  });

  it.each(MISCONFIGURED)('500 when %s, and the log says what to do', async (_, spoil, hint) => {
    const answer = await (await boot(spoil)).get('/things', bearer(issuer.token()));
    expect(answer.status).toBe(500);
    expect(answer.body).toEqual({ statusCode: 500, message: 'internal server error' });
    expect(answer.headers['www-authenticate']).toBeUndefined();
    expect(loggedLines().some((line) => line.includes('rejected') && line.includes(hint))).toBe(true);
  });

  it.each<[string, number, (app: TestApp) => Promise<unknown>]>([
    ['the time is up', 0.2, (booted) => booted.get('/things', bearer(issuer.token()))],
    ['the application is closing', 30, (booted) => booted.close()],
  ])('hangs up on a provider that does not answer once %s', async (_, responseTimeout, end) => {
    const provider = new EventEmitter();
    const [asked, hungUp] = [once(provider, 'asked'), once(provider, 'hung up')];
    const booted = await boot((server) => {
      server.answer(JWKS, (request) => {
        request.socket.once('close', () => provider.emit('hung up'));
        provider.emit('asked');
      });
      return { responseTimeout, warmUp: 'background' };
    });
    await asked;
    await end(booted);
    await hungUp;
  });

  it('recovers from an outage at the start within one pause', async () => {
    const booted = await boot((server) => server.goDown());
    expect((await booted.get('/things', bearer(issuer.token()))).status).toBe(503);
    issuer.server.recover();
    advanceClock(1);
    expect((await booted.get('/things', bearer(issuer.token()))).status).toBe(200);
  });

  it('passes the provider’s own Retry-After on', async () => {
    const booted = await boot((server) => server.answerWith(JWKS, 429, '', { 'retry-after': '7' }));
    expect((await booted.get('/things', bearer(issuer.token()))).headers['retry-after']).toBe('7');
  });

  it('refuses a bad token without asking a provider that is down', async () => {
    const booted = await boot((server) => server.goDown());
    const expired = issuer.token({ claims: { exp: 1 } });
    expect((await booted.get('/things', bearer(expired))).status).toBe(401);
    expect((await booted.get('/things', bearer('a.b.c'))).status).toBe(401);
  });

  it.each<[string, AuthModuleOptions]>([
    ['throws', { tokenResolver: () => Promise.reject(new Error(SECRET_HOST)) }],
    ['answers with something else', { tokenResolver: (() => 7) as never }],
  ])('500 when a resolver of the application %s', async (_, options) => {
    const answer = await (await boot(() => options)).get('/things', bearer(issuer.token()));
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain(SECRET_HOST);
    expect(loggedLines().some((line) => line.includes('ThingsController.list: rejected'))).toBe(true);
  });
});
