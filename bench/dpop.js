/**
 * What does a DPoP proof add to a request with a known token? A new proof each time, beside Bearer alone, Bearer with a header
 * of the same size that nobody reads, and junk.
 */
import { createHash, randomUUID, sign, verify } from 'node:crypto';
import { generateKeys } from '../test/support/generate-keys.js';
import { encode, makeToken, thumbprintOf } from './issuer.js';
import { measure, startServer } from './load.js';
import { median, printTable, spread } from './report.js';
import { MODULE } from './variants.js';

const CLIENTS = 50;
const PROOFS = 5000;
const LEAD_IN = 2000;
const SIGNATURES = 2000;

const signProof = (input, privateKey) =>
  sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });

/** A client with a key of its own, and a token that is bound to it (RFC 9449 section 6). */
function makeClient(source) {
  const { privateKey, publicKey } = generateKeys('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  const jwk = { crv, kty, x, y };
  const token = makeToken(source, 'RS256', { cnf: { jkt: thumbprintOf(jwk) } });
  const ath = createHash('sha256').update(token).digest('base64url');
  return {
    privateKey,
    publicKey,
    token,
    ath,
    header: { typ: 'dpop+jwt', alg: 'ES256', jwk },
  };
}

function requestWith({ header, privateKey, token, ath }, htu) {
  const payload = { jti: randomUUID(), htm: 'GET', htu, iat: Math.floor(Date.now() / 1000), ath };
  const input = `${encode(header)}.${encode(payload)}`;
  const dpop = `${input}.${signProof(input, privateKey).toString('base64url')}`;
  return { path: '/things', headers: { authorization: `DPoP ${token}`, dpop } };
}

/** @returns {number} µs of one signature, verified again and again in this process */
function timeSignature({ header, privateKey, publicKey }) {
  const input = Buffer.from(encode(header));
  const signature = signProof(input, privateKey);
  const before = process.cpuUsage();
  for (let i = 0; i < SIGNATURES; i++)
    verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / SIGNATURES;
}

/** @param {import('./sections.js').Context} context */
export async function measureDPoP({ source, platforms, rounds, seconds }) {
  const clients = Array.from({ length: CLIENTS }, () => makeClient(source));
  const bearers = Array.from({ length: 500 }, () => makeToken(source));
  const results = [];
  for (const platform of platforms) {
    const server = await startServer(platform, MODULE, source.issuer);
    // Made just before they are sent: a proof is good for a minute.
    const proofs = (count) =>
      Array.from({ length: count }, (_, i) => requestWith(clients[i % CLIENTS], server.url));
    const junk = clients.map(({ token }) => ({
      path: '/things',
      headers: { authorization: `DPoP ${token}`, dpop: 'a.b.c' },
    }));
    const unread = 'x'.repeat(requestWith(clients[0], server.url).headers.dpop.length);
    const laden = bearers.map((token) => ({
      path: '/things',
      headers: { authorization: `Bearer ${token}`, unread },
    }));
    const rows = [
      { name: 'Bearer, known token', make: () => bearers, how: { expected: 200, seconds }, rounds: [] },
      {
        name: 'Bearer, and as much in an unread header',
        make: () => laden,
        how: { expected: 200, seconds },
        rounds: [],
      },
      {
        name: 'DPoP, known token, new proof',
        make: () => proofs(PROOFS),
        how: { expected: 200 },
        rounds: [],
      },
      { name: 'DPoP, junk for a proof', make: () => junk, how: { expected: 401, seconds }, rounds: [] },
    ];
    await measure(server, bearers, { expected: 200, seconds: 1 });
    await measure(server, proofs(LEAD_IN), { expected: 200 });
    await measure(server, junk, { expected: 401, seconds: 0.3 });
    const signatures = [];
    for (let round = 0; round < rounds; round++) {
      for (const { make, how, rounds: all } of rows) all.push(await measure(server, make(), how));
      signatures.push(timeSignature(clients[0]));
    }
    server.stop();
    print(platform, rows, signatures);
    results.push({
      platform,
      signatures,
      rows: rows.map(({ name, rounds: all }) => ({ name, rounds: all })),
    });
  }
  return results;
}

function print(platform, rows, signatures) {
  const base = rows[0].rounds;
  const lines = rows.map(({ name, rounds }) => [
    name,
    spread(rounds.map(({ cpu }) => cpu)),
    median(rounds.map(({ cpu }, round) => cpu - base[round].cpu)).toFixed(0),
  ]);
  lines.push(['one ES256 signature, bare', spread(signatures), '–']);
  printTable(`${platform}, DPoP, CPU µs a request`, ['', 'CPU µs', 'more than Bearer'], lines);
}
