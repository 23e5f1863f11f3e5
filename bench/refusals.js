/**
 * What does a refused request cost, beside a good one whose token is known? Each class of request that an anonymous client
 * can send, as a multiple of the CPU of a good warm request in the same round.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { generateKeys } from '../test/support/generate-keys.js';
import { AUDIENCE, encode, makeToken, makeTokens, thumbprintOf } from './issuer.js';
import { measure, startServer } from './load.js';
import { MODULE } from './variants.js';
import { median, multiplesOf, printTable, spread } from './report.js';

/** Keys of the slowest algorithm: a token without `kid` may be by each of them. */
const ES512_KEYS = 16;
const SIGNATURE_BYTES = { RS256: 256, ES256: 64, EdDSA: 64, ES512: 132 };
const ROTATION = 500;
/** More than are remembered: each is as good as new when it comes again. */
const DISTINCT = 1500;
/** Some requests wait for the next fetch of the keys, or for slow signatures: a shorter measurement sees too few of them. */
const LEAST_SECONDS = 2;
/** Seconds; the keys are fetched again after a third of it. */
const RESPONSE_TIMEOUT = 0.9;
const LARGE_HEADERS = ['--max-http-header-size=131072'];
const CLIENT = { clientId: 'bench-api', clientSecret: 'a secret of the benchmark' };

/** @param {import('./sections.js').Context} context @returns {Promise<object[]>} */
export async function measureRefusals({ source, platforms, rounds, seconds }) {
  const own = await startOwnIssuer(source);
  const atLeast = Math.max(seconds, LEAST_SECONDS);
  const rows = [];
  for (const platform of platforms) {
    const server = await startServer(platform, MODULE, own.issuer, {
      script: 'refusals-server.js',
      options: { ...CLIENT, responseTimeout: RESPONSE_TIMEOUT },
      execArgv: LARGE_HEADERS,
    });
    const works = makeWorks(own, new URL(server.url).origin);
    for (const { expected, requests } of works)
      await measure(server, requests(), { expected, seconds: atLeast });
    const ofPlatform = works.map(({ name }) => ({ platform, work: name, rounds: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const [i, { expected, requests }] of works.entries())
        ofPlatform[i].rounds.push(await measure(server, requests(), { expected, seconds: atLeast }));
    }
    server.stop();
    print(platform, ofPlatform);
    rows.push(...ofPlatform);
  }
  own.close();
  return rows;
}

function print(platform, rows) {
  const [good] = rows;
  const lines = rows.map(({ work, rounds }) => [
    work,
    spread(rounds.map(({ cpu }) => cpu)),
    median(multiplesOf(rounds, good.rounds)).toFixed(2),
    spread(
      rounds.map(({ p99 }) => p99),
      1,
    ),
  ]);
  printTable(`${platform}: refused requests`, ['request', 'CPU µs', '× a good warm one', 'p99 ms'], lines);
}

/** That of the other sections, with more keys. */
async function startOwnIssuer(source) {
  const slow = Array.from({ length: ES512_KEYS }, (_, i) => ({
    ...generateKeys('ec', { namedCurve: 'P-521' }),
    alg: 'ES512',
    kid: `ES512-key-${i}`,
  }));
  const keys = [...Object.values(source.keys), ...slow].map(({ alg, kid, publicKey }) => ({
    ...publicKey.export({ format: 'jwk' }),
    alg,
    kid,
    use: 'sig',
  }));
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader('content-type', 'application/json');
    const document = { issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` };
    const answers = { '/jwks': { keys }, '/introspect': { active: false } };
    response.end(JSON.stringify(answers[request.url] ?? document));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return { issuer, keys: source.keys, close: () => server.close() };
}

/** @returns {{ name: string, expected: number | number[], requests: () => (string | object)[] }[]} the good one first */
function makeWorks(source, origin) {
  const { issuer } = source;
  const good = makeTokens(source, ROTATION, 'RS256');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, sub: randomUUID(), aud: AUDIENCE, exp: now + 3 * 3600, scope: 'read:things' };
  /** Claims as they should be; only the signature shows it. */
  const forge = (alg, header, payload = {}) => {
    const signature = randomBytes(SIGNATURE_BYTES[alg]);
    // Both halves are less than the order of the curve, or no signature is verified at all.
    if (alg === 'ES512') signature[0] = signature[66] = 0;
    const parts = [
      { alg, typ: 'at+jwt', ...header },
      { ...claims, jti: randomUUID(), ...payload },
    ];
    return `${parts.map(encode).join('.')}.${signature.toString('base64url')}`;
  };
  const kidOf = (alg) => (alg === 'ES512' ? 'ES512-key-0' : `${alg}-key`);
  const named = (alg) => () => forge(alg, { kid: kidOf(alg) });
  const nameless = () => forge('ES512', {});
  const unknown = () => forge('RS256', { kid: randomUUID() });
  const manyAudiences = (bytes) => () => {
    const aud = Array.from({ length: (bytes * 3) / 4 / 4 }, (_, i) => String(i % 10));
    return forge('RS256', { kid: 'RS256-key' }, { aud });
  };
  const repeated = (name, make, expected = 401) => ({ name, expected, requests: constant([make()]) });
  const another = (name, make, expected = 401) => ({
    name: `${name}, a different one each time`,
    expected,
    requests: () => Array.from({ length: DISTINCT }, make),
  });
  const to = (path, make) => () => ({ path, headers: { authorization: `Bearer ${make()}` } });
  const opaque = () => randomBytes(300).toString('hex');
  const notTried = [401, 503];

  return [
    { name: 'valid, known token', expected: 200, requests: constant(good) },
    { name: 'no token', expected: 401, requests: constant([{ headers: {} }]) },
    repeated('a malformed token', () => 'a.b.c'),
    repeated('invalid base64url', () => `${good[0]}=`),
    {
      name: 'expired',
      expected: 401,
      requests: constant(makeTokens(source, ROTATION, 'RS256', { exp: 1e9 })),
    },
    another('expired, forged', () => forge('RS256', { kid: 'RS256-key' }, { exp: 1e9 })),
    another('for another API, forged', () =>
      forge('RS256', { kid: 'RS256-key' }, { aud: 'https://other.example' }),
    ),
    another('15 KB of audiences', manyAudiences(15_000)),
    another('60 KB of audiences', manyAudiences(60_000)),
    repeated('missing scope', () => makeToken(source, 'RS256', { scope: 'write:things' }), 403),
    ...Object.keys(SIGNATURE_BYTES).map((alg) => repeated(`forged ${alg}`, named(alg))),
    ...Object.keys(SIGNATURE_BYTES).map((alg) => another(`forged ${alg}`, named(alg), notTried)),
    repeated('forged ES512 without kid, 16 keys', nameless, notTried),
    another('forged ES512 without kid, 16 keys', nameless, notTried),
    repeated('an invented kid', unknown, notTried),
    another('an invented kid', unknown, notTried),
    repeated('opaque, not active', opaque),
    another('a forged JWT, on a route with @Introspect()', to('/introspected', named('RS256'))),
    repeated('a forged JWT, on a route with @Introspect()', to('/introspected', named('RS256'))),
    repeated('opaque, not active, on a route with @Introspect()', to('/introspected', opaque)),
    ...proofWorks(source, origin).map(([name, make]) => another(name, make)),
  ];
}

const constant = (value) => () => value;

/** A token bound to a key of the client's choice, and a proof whose signature is junk. */
function proofWorks(source, origin) {
  const large = { kty: 'RSA', e: randomBytes(375).toString('base64url'), n: oddNumber(256) };
  const huge = { kty: 'RSA', e: 'AQAB', n: oddNumber(2048) };
  const { publicKey } = generateKeys('ec', { namedCurve: 'P-256' });
  const plain = publicKey.export({ format: 'jwk' });
  const withProof = (jwk, alg, bytes, jkt = thumbprintOf(jwk)) => {
    const token = makeToken(source, 'RS256', { cnf: { jkt } });
    const ath = createHash('sha256').update(token).digest('base64url');
    return () => {
      const iat = Math.floor(Date.now() / 1000);
      const payload = { htm: 'GET', htu: `${origin}/things`, iat, jti: randomUUID(), ath };
      const input = [{ typ: 'dpop+jwt', alg, jwk }, payload].map(encode).join('.');
      const proof = `${input}.${randomBytes(bytes).toString('base64url')}`;
      return { path: '/things', headers: { authorization: `DPoP ${token}`, dpop: proof } };
    };
  };
  return [
    ['DPoP: forged ES256', withProof(plain, 'ES256', 64)],
    [
      "DPoP: another key's proof, RSA with an exponent of 3,000 bits",
      withProof(large, 'RS256', 256, thumbprintOf(plain)),
    ],
    ['DPoP: RSA with an exponent of 3,000 bits', withProof(large, 'RS256', 256)],
    ['DPoP: RSA of 16,384 bits', withProof(huge, 'RS256', 2048)],
  ];
}

function oddNumber(bytes) {
  const number = randomBytes(bytes);
  number[0] |= 0x80;
  number[bytes - 1] |= 1;
  return number.toString('base64url');
}
