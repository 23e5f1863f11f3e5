/** From a recipe to a token: minted now, with the keys of this run. */
import { encode, goodClaims, goodHeader, hmacOf, makeKey, seconds, signatureOf, AUDIENCE } from './mint.js';
import { thumbprintOf } from './oracle.js';

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** The keys of a run: those of the issuer, those of others, and the client's own for proofs of possession. */
export function makeKeyRing() {
  const published = ['ES256', 'EdDSA', 'RS256', 'PS256', 'ES384', 'ES256'].map((alg) => makeKey(alg));
  const forEncryption = makeKey('ES256', { use: 'enc' });
  const stranger = makeKey('ES256');
  return {
    published,
    forEncryption,
    stranger,
    client: makeKey('ES256'),
    jwks: [...published, forEncryption, { jwk: { kty: 'AKP', alg: 'ML-DSA-44', kid: 'later', pub: 'AA' } }],
  };
}

/** @returns {{ token: string, key: object }} the token and the key that its header was written for */
export function buildToken(
  { key: index, header, claims, text, signing, scratches },
  { ring, issuer, spare },
) {
  const key =
    signing === 'stranger'
      ? { ...ring.stranger, kid: ring.published[index].kid }
      : keyOf(signing, index, ring);
  const objects = [
    spoilt(goodHeader(key), header, { ring, issuer }),
    spoilt(goodClaims(issuer), claims, { ring, issuer }),
  ];
  const parts = objects.map((object, part) =>
    writeJson(
      object,
      text.filter((each) => each.part === part),
    ),
  );
  const input = parts.map(encode).join('.');
  const token = `${input}.${sign(signing, key, input)}`;
  return scratches.reduce((scratched, each) => scratch(scratched, each, spare), token);
}

function keyOf(signing, index, ring) {
  if (signing === 'for-encryption') return ring.forEncryption;
  if (signing === 'der' || signing === 'negated') return ring.published[0];
  return ring.published[index];
}

function sign(signing, key, input) {
  if (signing === 'hmac') return encode(hmacOf(key, input));
  if (signing === 'none') return '';
  if (signing === 'der') return encode(signatureOf(key, input, 'der'));
  const signature = signatureOf(key, input);
  if (signing === 'zero') return encode(Buffer.alloc(signature.length));
  return encode(signing === 'negated' ? negated(signature) : signature);
}

/** The other signature that an ECDSA signature implies: (r, n - s) verifies, too. */
function negated(signature) {
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  const other = (P256_ORDER - s).toString(16).padStart(64, '0');
  return Buffer.concat([signature.subarray(0, 32), Buffer.from(other, 'hex')]);
}

/** An object with some of its members replaced; `ring` and `issuer` for what a recipe can only name. */
export function spoilt(object, members, world) {
  return { ...object, ...Object.fromEntries(members.map(([name, value]) => [name, filled(value, world)])) };
}

export function writeJson(object, rewrites) {
  return rewrites.reduce(rewrite, Buffer.from(JSON.stringify(object)));
}

/** What a recipe cannot know: the time, the issuer's address, the keys. */
function filled(value, world) {
  if (Array.isArray(value)) return value.map((each) => filled(each, world));
  if (typeof value !== 'object' || value === null) return value;
  const { ring, issuer } = world;
  if ('$in' in value) return seconds() + value.$in;
  if ('$issuer' in value) return issuer + value.$issuer;
  if ('$audience' in value) return AUDIENCE + value.$audience;
  if ('$kid' in value) return ring.jwks[value.$kid % ring.jwks.length].jwk.kid;
  if ('$jwk' in value) return ring.stranger.jwk;
  if ('$jkt' in value) return { jkt: thumbprintOf(ring.client.jwk) };
  if ('$nested' in value) return nested(value.$nested);
  if ('$long' in value) return 'x'.repeat(value.$long);
  return '$undefined' in value ? undefined : value;
}

function nested(depth) {
  let value = {};
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { value };
  return value;
}

const REWRITES = {
  twice: (json, name) => `${json.slice(0, -1)},"${name}":1}`,
  'twice-before': (json, name) => `{"${name}":"x",${json.slice(1)}`,
  proto: (json) => `{"__proto__":{"exp":1},${json.slice(1)}`,
  escaped: (json, name) =>
    json.replace(`"${name}"`, `"\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}"`),
  spaced: (json) => json.replace(/:/, ' :\n\t').concat('\r\n '),
  bom: (json) => `\ufeff${json}`,
  trailing: (json) => `${json}\0`,
  array: (json) => `[${json}]`,
  cut: (json) => json.slice(0, -3),
};

function rewrite(bytes, { how, name }) {
  if (how === 'latin1') return Buffer.concat([Buffer.from('{"caf\u00e9":1,', 'latin1'), bytes.subarray(1)]);
  return Buffer.from(REWRITES[how](bytes.toString(), name));
}

function scratch(token, { part, how, at, with: code }, spare) {
  if (part === 'all') return scratchText(token, how, at, code, spare);
  return token
    .split('.')
    .map((each, i) => (i === part ? scratchText(each, how, at, code, spare.split('.')[i] ?? '') : each))
    .join('.');
}

function scratchText(text, how, at, code, spare) {
  const i = Math.floor((at / 1000) * text.length);
  const char = String.fromCharCode(code);
  if (how === 'flip') return text.slice(0, i) + char + text.slice(i + 1);
  if (how === 'drop') return text.slice(0, i) + text.slice(i + 1);
  if (how === 'insert') return text.slice(0, i) + char + text.slice(i);
  if (how === 'cut') return text.slice(0, i);
  if (how === 'pad') return `${text}=`;
  if (how === 'base64') return text.replaceAll('-', '+').replaceAll('_', '/');
  if (how === 'spare-bits')
    return text.slice(0, -1) + String.fromCharCode(text.charCodeAt(text.length - 1) + 1);
  if (how === 'splice') return spare;
  if (how === 'dot') return `${text.slice(0, i)}.${text.slice(i)}`;
  return how === 'double' ? `${text}${text}` : '';
}
