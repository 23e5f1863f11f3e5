/** Does `explain` name every check that a token fails, with the guard's verdict, and without telling the token? */
import { findingsIn, type Run } from '../support/cli.js';
import { AUDIENCE, CLIENT_SECRET, Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { freePort } from '../support/ports.js';
import { runCli } from '../support/run-cli.js';
import { withPart, withSignature } from '../support/spoil.js';
import { claimsOf, makeKey, nowInSeconds, signToken, type TokenParts } from '../support/tokens.js';

const PREFIX = 'MONOCLOUD_BACKEND_';

let issuer: Issuer;

beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(async () => {
  await issuer.close();
});
afterEach(() => issuer.server.recover());

const explain = (
  token: string,
  args: readonly string[] = [],
  variables: Record<string, string> = {},
): Promise<Run> => {
  const good = { TENANT_DOMAIN: issuer.server.issuer, AUDIENCE };
  const env = Object.entries({ ...good, ...variables }).map(([name, value]) => [PREFIX + name, value]);
  return runCli(['explain', ...args], {
    input: `${token}\n`,
    env: Object.fromEntries(env) as Record<string, string>,
  });
};

const introspecting = { CLIENT_ID: 'the-api', CLIENT_SECRET };
const failing = (out: string): string[] =>
  findingsIn(out)
    .filter((line) => line.startsWith('FAIL'))
    .map((line) => line.replace(/ -> .*/, ''));
const verdict = (out: string): string | undefined => out.split('\n').at(-2);

describe('explain', () => {
  it('shows of a good token what is judged, and nothing of whom it is about', async () => {
    const token = issuer.token({ claims: { sub: 'a-certain-person', email: 'person@example.com' } });
    const { code, out, err } = await explain(token);
    expect(findingsIn(out)).toEqual([
      `ok form: a JWT of ${token.length} characters`,
      'ok typ: "at+jwt"',
      'ok no ID token: no claim that only ID tokens have',
      'ok alg: "ES256"',
      `ok kid: "${issuer.key.kid}"`,
      'ok signature: verified with a key of the issuer',
      `ok iss: "${issuer.server.issuer}"`,
      `ok aud: "${AUDIENCE}"`,
      expect.stringMatching(/^ok exp: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.000Z, in 10 min$/),
      expect.stringMatching(/^ok iat: \d{4}-\S+, \d+ s ago$/),
      'ok binding: not bound: anybody who has the token can use it',
      'ok scopes: "read:things" "write:things"',
      'ok groups: 1 in "groups"',
    ]);
    expect(verdict(out)).toBe('accepted: a valid access token for this API');
    expect(out).not.toMatch(/certain-person|person@example|staff/);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it.each<[string, TokenParts, string]>([
    [
      'another audience',
      { claims: { aud: `${AUDIENCE}/` } },
      `aud: aud is "${AUDIENCE}/", expected "${AUDIENCE}": differs by a trailing slash`,
    ],
    ['no audience', { claims: { aud: undefined } }, 'aud: aud is missing'],
    [
      'another issuer',
      { claims: { iss: 'https://other.example' } },
      'iss: iss is "https://other.example", expected "http',
    ],
    ['no issuer', { claims: { iss: undefined } }, 'iss: iss is missing'],
    ['an end that is past', claimsOf(() => ({ exp: nowInSeconds() - 4000 })), 'exp: the token expired 40'],
    ['no end', { claims: { exp: undefined } }, 'exp: exp is missing'],
    ['an end in milliseconds', claimsOf(() => ({ exp: Date.now() + 600_000 })), 'exp: exp is 1'],
    ['a start to come', claimsOf(() => ({ nbf: nowInSeconds() + 4000 })), 'nbf: the token starts in '],
    ['an issue to come', claimsOf(() => ({ iat: nowInSeconds() + 4000 })), 'iat: iat is '],
    ['a user that is no text', { claims: { sub: 17 } }, 'sub: sub is not a string'],
    ['a confirmation that is none', { claims: { cnf: 'x' } }, 'cnf: cnf is not an object'],
    [
      'the type of another JWT',
      { header: { typ: 'logout+jwt' } },
      'typ: typ "logout+jwt" is not that of an access token',
    ],
    [
      'what only ID tokens carry',
      { header: { typ: 'JWT' }, claims: { nonce: 'n' } },
      'no ID token: nonce makes it an ID token',
    ],
    ['an extension', { header: { b64: false } }, 'b64: the header requires an extension'],
    ['a kid that is no text', { header: { kid: 17 } }, 'kid: kid is not a string'],
    [
      'a kid that is not known',
      { header: { kid: 'unknown' } },
      'signature: no key of the issuer matches: kid "unknown"',
    ],
    ['no algorithm', { header: { alg: 'none' } }, 'alg: alg "none" is not accepted'],
    ['a header that is no JSON', { headerText: 'hello' }, 'form: the header is not JSON'],
    ['a claim twice', { payloadText: '{"sub":"a","sub":"b"}' }, 'form: the payload has a duplicate member'],
  ])('names %s, and nothing else', async (_, parts, line) => {
    const { code, out } = await explain(issuer.token(parts));
    expect(failing(out)).toEqual([expect.stringContaining(`FAIL ${line}`)]);
    expect(findingsIn(out).find((each) => each.startsWith('FAIL'))).toContain(' -> ');
    // The guard's own reason.
    expect(verdict(out)).toContain(`rejected: 401 invalid_token: ${line.replace(/^[^:]+: /, '')}`);
    expect(code).toBe(1);
  });

  it.each<[string, () => string, string]>([
    [
      'another signature',
      () => withSignature(issuer.token(), (bytes) => bytes.fill(1)),
      'signature: the signature does not verify',
    ],
    [
      'no signature',
      () => withSignature(issuer.token(), () => Buffer.alloc(0)),
      'signature: the signature is empty',
    ],
    [
      'a changed payload',
      () =>
        withPart(issuer.token(), 1, (part) =>
          Buffer.from(Buffer.from(part, 'base64url').toString().replace('user-1', 'user-2')).toString(
            'base64url',
          ),
        ),
      'signature: the signature does not verify',
    ],
    ['spaces in it', () => issuer.token().replace('.', ' .'), 'form: the header is not base64url'],
    [
      'an encrypted one',
      () => 'eyJhbGciOiJSU0EifQ.AAAA.BBBB.CCCC.DDDD',
      'form: not a JWT, and introspection is not configured',
    ],
    [
      'an opaque one',
      () => keepSecret('an-opaque-token-of-somebody'),
      'form: not a JWT, and introspection is not configured',
    ],
  ])('names %s', async (_, makeToken, line) => {
    const { code, out } = await explain(keepSecret(makeToken()));
    expect(failing(out)).toEqual([`FAIL ${line}`]);
    expect(code).toBe(1);
  });

  it('names all that is wrong, not only the first', async () => {
    const token = keepSecret(
      signToken(makeKey('ES256', issuer.key.kid), issuer.claims(), {
        header: { typ: 'id_token', crit: ['x'] },
        claims: {
          aud: 'the-client',
          iss: 'https://other.example',
          exp: nowInSeconds() - 4000,
          nonce: 'n',
          at_hash: 'h',
          jti: 17,
        },
      }),
    );
    const { code, out } = await explain(token);
    expect(failing(out).map((line) => /^FAIL ([^:]+):/.exec(line)?.[1])).toEqual([
      'typ',
      'no ID token',
      'crit',
      'signature',
      'iss',
      'aud',
      'exp',
      'jti',
    ]);
    expect(verdict(out)).toMatch(/^rejected: 401 invalid_token: /);
    expect(code).toBe(1);
  });

  it('judges scopes and groups that a route asks for', async () => {
    const token = issuer.token();
    const asked = ['--scope', 'read:things', '--group', 'staff', '--group', 'admin'];
    expect(await explain(token, asked)).toMatchObject({ code: 0 });

    const { code, out } = await explain(token, ['--scope', 'delete:things', '--group', 'admin']);
    expect(failing(out)).toEqual([
      'FAIL route scopes: missing scope: delete:things',
      'FAIL route groups: needs any of "admin"; the token has 1 in "groups", none of them sufficient',
    ]);
    expect(verdict(out)).toBe('rejected: 403 insufficient_scope: missing scope: delete:things');
    expect(code).toBe(1);
  });

  it('says whom a token is bound to, and judges what the options ask for', async () => {
    const bound = issuer.token({
      claims: { cnf: { jkt: 'a-thumbprint-of-some-key', 'x5t#S256': 'another' } },
    });
    const good = await explain(bound, [], { DPOP_MODE: 'required' });
    expect(findingsIn(good.out)).toContainEqual(
      expect.stringMatching(/^ok binding: bound to a DPoP key: .*; and to a certificate: /),
    );
    expect(good.code).toBe(0);

    const unbound = await explain(issuer.token(), [], { DPOP_MODE: 'required' });
    expect(failing(unbound.out)).toEqual(['FAIL binding: the token is not DPoP-bound']);
    const bare = await explain(issuer.token(), [], { VALIDATE_CERTIFICATE_BINDING: 'required' });
    expect(failing(bare.out)).toEqual(['FAIL binding: the token is not bound to a certificate']);
    expect([unbound.code, bare.code]).toEqual([1, 1]);
  });

  describe('by introspection', () => {
    it('shows what the provider says of a good token', async () => {
      const { code, out } = await explain(issuer.opaqueToken(), [], introspecting);
      expect(findingsIn(out)).toEqual(
        expect.arrayContaining([
          'ok form: an opaque token of 32 characters',
          'ok introspection: the provider answered',
          'ok active: true',
          `ok aud: "${AUDIENCE}"`,
        ]),
      );
      expect(verdict(out)).toBe('accepted: the provider reports it as active');
      expect(code).toBe(0);
    });

    it.each([
      ['is not active', { active: false }, ['active: the provider reports active: false']],
      [
        'is a refresh token',
        { token_type: 'refresh_token' },
        ['token_type: token_type "refresh_token": not an access token'],
      ],
      ['is for nobody', { aud: undefined }, ['aud: the introspection response has no aud']],
      ['is for another API, and past', { aud: 'x', exp: 1 }, ['aud: aud is "x"', 'exp: the token expired']],
    ])('names why one %s', async (_, claims, lines) => {
      const { code, out } = await explain(issuer.opaqueToken(claims), [], introspecting);
      expect(failing(out)).toEqual(lines.map((line) => expect.stringContaining(`FAIL ${line}`) as string));
      expect(verdict(out)).toMatch(/^rejected: 401 (invalid|inactive)_token: /);
      expect(code).toBe(1);
    });

    it('is asked about JWTs, too, where the options say so', async () => {
      const { code, out } = await explain(issuer.token(), [], {
        ...introspecting,
        INTROSPECT_JWT_TOKENS: 'true',
      });
      expect(failing(out)).toEqual(['FAIL active: the provider reports active: false']);
      expect(code).toBe(1);
    });

    it('does not ask about what can be no token', async () => {
      const before = issuer.server.count('/introspect');
      const { code, out } = await explain('what is this?', [], introspecting);
      expect(failing(out)).toEqual(['FAIL form: not a token (RFC 6750 section 2.1)']);
      expect([code, issuer.server.count('/introspect')]).toEqual([1, before]);
    });

    it('cannot know while credentials are refused', async () => {
      issuer.server.answerWith('/introspect', 401, '{"error":"invalid_client"}');
      const { code, out } = await explain(issuer.opaqueToken(), [], introspecting);
      expect(verdict(out)).toMatch(/^cannot be determined now: 500 provider_error: .*invalid_client/);
      expect(code).toBe(3);
    });
  });

  it('follows iss where there are several issuers, and needs --issuer for an opaque token', async () => {
    const other = await Issuer.start();
    try {
      const both = { TENANT_DOMAIN: `${issuer.server.issuer},${other.server.issuer}` };
      const ask = (token: string, args: readonly string[] = [], more = {}): Promise<Run> =>
        explain(token, args, { ...both, ...more });
      const good = 'accepted: a valid access token for this API';
      expect(verdict((await ask(other.token())).out)).toBe(good);
      expect(verdict((await ask(other.token(), ['--issuer', other.server.issuer])).out)).toBe(good);
      const wrong = await ask(other.token(), ['--issuer', issuer.server.issuer]);
      expect(failing(wrong.out)).toEqual(expect.arrayContaining([expect.stringMatching(/^FAIL iss: /)]));
      const stranger = await ask(other.token({ claims: { iss: 'https://elsewhere.example.com' } }));
      expect(stranger.out).toContain('401 invalid_token: the issuer of the token is not configured');
      // Not read by an issuer: its claims are no object.
      const [header, , signature] = other.token().split('.');
      const unreadable = await ask([header, 'IngiIA', signature].join('.'));
      expect(failing(unreadable.out)).toEqual([expect.stringMatching(/^FAIL form: /)]);
      const opaque = await ask(other.opaqueToken());
      expect(opaque.code).toBe(2);
      expect(opaque.err).toContain('--issuer names the one of an opaque token');
    } finally {
      await other.close();
    }
  });

  describe('without a provider', () => {
    it('cannot know of a token that may be good', async () => {
      const TENANT_DOMAIN = `http://127.0.0.1:${await freePort()}`;
      const { code, out } = await explain(issuer.token({ claims: { iss: TENANT_DOMAIN } }), [], {
        TENANT_DOMAIN,
      });
      expect(findingsIn(out)).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^- signature: .*ECONNREFUSED/),
          expect.stringMatching(/^- iss: .*ECONNREFUSED/),
        ]),
      );
      expect(verdict(out)).toMatch(/^cannot be determined now: 503 provider_unavailable: /);
      expect(code).toBe(3);
    });

    it('knows of a token that needs no key to be refused', async () => {
      issuer.server.goDown();
      const { code, out } = await explain(issuer.token({ claims: { exp: 1 } }));
      expect(failing(out)).toEqual([expect.stringContaining('FAIL exp: the token expired')]);
      expect(code).toBe(1);
    });
  });

  it('reads the token from standard input only, however it was copied', async () => {
    const token = issuer.token();
    for (const copied of [`Bearer ${token}`, `authorization: bearer ${token}`, `  ${token}\n\n`])
      expect(await explain(copied)).toMatchObject({ code: 0 });

    expect(await explain('')).toMatchObject({ code: 2, out: '', err: expect.stringContaining('no token') });
    const { code, out, err } = await explain(token, [token]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('tokens are read from standard input');
  });

  it('says that the options are wrong, and writes JSON', async () => {
    const wrong = await explain(issuer.token(), [], { AUDIENCE: '' });
    expect(verdict(wrong.out)).toBe('cannot be determined now: the options are invalid: run doctor');
    expect(wrong.code).toBe(3);

    const { out } = await explain(issuer.token({ claims: { aud: 'x' } }), ['--json']);
    expect(JSON.parse(out)).toMatchObject({
      command: 'explain',
      verdict: 'refused',
      why: expect.stringContaining('aud is "x"'),
      findings: expect.arrayContaining([expect.objectContaining({ status: 'FAIL', check: 'aud' })]),
    });
  });
});
