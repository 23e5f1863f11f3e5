/**
 * Is this token good, and for what? Written from the RFCs and the contract alone: imports nothing of the package and reads
 * everything as loosely as a careless implementation might. What is not good here is not good anywhere; what is good here
 * may be refused, but only for a reason that strictness.js names.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';

/** Leeway on times, in seconds: the package's default. */
export const TOLERANCE = 300;

const ALGORITHMS = {
  RS256: { kty: 'RSA', hash: 'sha256' },
  RS384: { kty: 'RSA', hash: 'sha384' },
  RS512: { kty: 'RSA', hash: 'sha512' },
  PS256: { kty: 'RSA', hash: 'sha256', padding: 6, saltLength: 32 },
  PS384: { kty: 'RSA', hash: 'sha384', padding: 6, saltLength: 48 },
  PS512: { kty: 'RSA', hash: 'sha512', padding: 6, saltLength: 64 },
  ES256: { kty: 'EC', crv: 'P-256', hash: 'sha256' },
  ES384: { kty: 'EC', crv: 'P-384', hash: 'sha384' },
  ES512: { kty: 'EC', crv: 'P-521', hash: 'sha512' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', hash: null },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', hash: null },
};

/**
 * @param {string} token
 * @param {{ issuer: string, audience: string, keys: readonly object[], now: number }} world `keys` as published, JWKs
 * @returns {{ good: false, why: string } | { good: true, claims: object, header: object }}
 */
export function judgeToken(token, { issuer, audience, keys, now }) {
  const parts = token.split('.');
  if (parts.length !== 3) return bad('not three parts');
  const header = parseObject(parts[0]);
  const claims = parseObject(parts[1]);
  if (!header || !claims) return bad('not JSON objects');
  if (header.crit !== undefined) return bad('crit');
  if (isOtherKind(claims)) return bad('no access token');
  const why = wrongInType(header, claims) ?? wrongInClaims(claims, { issuer, audience, now });
  if (why) return bad(why);
  const input = Buffer.from(`${parts[0]}.${parts[1]}`, 'latin1');
  const signature = Buffer.from(parts[2], 'base64url');
  if (!keys.some((jwk) => isSignedBy(jwk, header, input, signature))) return bad('signature');
  return { good: true, claims, header };
}

const bad = (why) => ({ good: false, why });

function parseObject(part) {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 9068 section 4; without that type, nothing that makes it an ID token. */
function wrongInType({ typ }, claims) {
  if (typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ)) return undefined;
  if (typ !== undefined && !/^jwt$/i.test(String(typ))) return 'typ';
  return ['nonce', 'at_hash', 'c_hash', 's_hash'].find((name) => Object.hasOwn(claims, name));
}

/** RFC 7519 section 4.1, the same for what introspection answers. */
export function wrongInClaims(claims, { issuer, audience, now }) {
  const { iss, aud, exp, nbf, iat } = claims;
  if (iss !== issuer) return 'iss';
  if (!(aud === audience || (Array.isArray(aud) && aud.includes(audience)))) return 'aud';
  if (!(typeof exp === 'number' && exp + TOLERANCE > now)) return 'exp';
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf - TOLERANCE <= now)) return 'nbf';
  if (iat !== undefined && !(typeof iat === 'number' && iat - TOLERANCE <= now)) return 'iat';
  return undefined;
}

/** RFC 7662 section 2.2: an answer may leave out who issued the token and when it ends, not whom it is for. */
export function checkAnswer(bytes, { issuer, audience, now }) {
  let claims;
  try {
    claims = JSON.parse(bytes.toString());
  } catch {
    return bad('not JSON');
  }
  if (typeof claims !== 'object' || claims === null || claims.active !== true) return bad('not active');
  if (isOtherKind(claims)) return bad('no access token');
  const { certificate, key } = bindingOf(claims);
  if (certificate !== undefined || key !== undefined) return bad('bound');
  const { iss = issuer, exp = Infinity } = claims;
  const why = wrongInClaims({ ...claims, iss, exp }, { issuer, audience, now });
  return why ? bad(why) : { good: true, claims };
}

/** As JSON, in lists, too: String() would call a toString that the provider wrote. */
function isOtherKind(claims) {
  return ['token_type', 'typ', 'token_use', 'token_usage', 'tok_type', 'tokenType', 'tokenName'].some(
    (name) =>
      /^[["]*(urn:.*:)?(refresh|id|offline)([-_. ]?token)?["\]]*$/i.test(JSON.stringify(claims[name]) ?? ''),
  );
}

const imported = new WeakMap();

function isSignedBy(jwk, { alg, kid }, input, signature) {
  const needed = Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
  if (!needed || typeof jwk !== 'object' || jwk === null || jwk.kty !== needed.kty) return false;
  if (needed.crv !== undefined && jwk.crv !== needed.crv) return false;
  if (jwk.use !== undefined && jwk.use !== 'sig') return false;
  if (kid !== undefined && jwk.kid !== undefined && jwk.kid !== kid) return false;
  if (jwk.alg !== undefined && jwk.alg !== alg && ALGORITHMS[jwk.alg]?.crv !== 'Ed25519') return false;
  if (!imported.has(jwk)) imported.set(jwk, importKey(jwk));
  const key = imported.get(jwk);
  if (!key) return false;
  const { hash, kty, crv: _crv, ...padding } = needed;
  try {
    return verify(
      hash,
      input,
      { key, ...(kty === 'EC' && { dsaEncoding: 'ieee-p1363' }), ...padding },
      signature,
    );
  } catch {
    return false;
  }
}

function importKey({ kty, crv, x, y, n, e }) {
  try {
    return createPublicKey({ key: { kty, crv, x, y, n, e }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** RFC 8705 section 3, RFC 9449 section 6: whom the token is bound to, if anybody. */
export function bindingOf({ cnf }) {
  if (typeof cnf !== 'object' || cnf === null) return {};
  return { certificate: cnf['x5t#S256'], key: cnf.jkt };
}

/** RFC 9449 section 4.3, but for the proof's own uniqueness: nobody sends one twice here without saying so. */
export function isProofGood(proof, { token, jkt, method, url, now }) {
  const [first, second, third, ...more] = String(proof).split('.');
  const header = parseObject(first ?? '');
  const claims = parseObject(second ?? '');
  if (!header || !claims || third === undefined || more.length > 0) return false;
  const { jwk, typ, alg } = header;
  if (typ !== 'dpop+jwt' || typeof jwk !== 'object' || jwk === null || jwk.d !== undefined) return false;
  if (thumbprintOf(jwk) !== jkt) return false;
  if (claims.htm !== method || claims.htu !== url || typeof claims.jti !== 'string') return false;
  if (typeof claims.iat !== 'number' || Math.abs(now - claims.iat) > 60 + TOLERANCE) return false;
  if (claims.ath !== createHash('sha256').update(token).digest('base64url')) return false;
  const signature = Buffer.from(third, 'base64url');
  return isSignedBy({ ...jwk, use: 'sig' }, { alg }, Buffer.from(`${first}.${second}`), signature);
}

/** RFC 7638 section 3, for the EC keys that proofs here are signed with. */
export function thumbprintOf({ crv, kty, x, y }) {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}
