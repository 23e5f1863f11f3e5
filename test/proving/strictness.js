/**
 * Why may a token be refused that a loose reader takes for good? Each reason is deliberate; a refusal for any other
 * reason is a wrong answer. Tokens that have one of these may also be accepted: they are signed by the issuer.
 */

const DEEPEST = 64;
const MAX_LENGTH = 15_000;

/** @returns {string | undefined} the first of the reasons that applies */
export function strictnessOf(token, { claims, header }) {
  if (token.length > MAX_LENGTH) return 'longer than Node takes headers';
  if (!/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/.test(token)) return 'not base64url';
  const parts = token.split('.');
  if (parts.some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part))
    return 'spare bits';
  const [first, second] = parts.slice(0, 2).map((part) => Buffer.from(part, 'base64url'));
  return strictInJson(first) ?? strictInJson(second) ?? strictInHeader(header) ?? strictInClaims(claims);
}

/** @param {Buffer} bytes of a JSON object */
export function strictInJson(bytes) {
  const text = bytes.toString();
  if (!Buffer.from(text).equals(bytes)) return 'not UTF-8';
  if (depthOf(text) > DEEPEST) return 'deeper than 64 levels';
  return hasAmbiguousMember(text) ? 'a member twice, or __proto__' : undefined;
}

function strictInHeader({ kid, b64, crit, typ }) {
  if (kid !== undefined && typeof kid !== 'string') return 'kid is not a string';
  if (b64 !== undefined || crit !== undefined) return 'b64';
  if (typ !== undefined && typeof typ !== 'string') return 'typ is not a string';
  return undefined;
}

export function strictInClaims({ exp, nbf, iat, aud, sub, client_id, jti, cnf, ...marks }) {
  // 9999-12-31: what lies past it was written in milliseconds.
  if ([exp, nbf, iat].some((time) => time !== undefined && !(time >= 0 && time <= 253_402_300_799)))
    return 'no time';
  if (Array.isArray(aud) && !aud.every((each) => typeof each === 'string'))
    return 'aud lists other than strings';
  if ([sub, client_id, jti].some((each) => each !== undefined && typeof each !== 'string'))
    return 'sub, client_id, jti';
  if (cnf !== undefined && (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)))
    return 'cnf is no object';
  // One text, or a list of them.
  const kinds = ['token_use', 'token_usage', 'tok_type'].flatMap((name) => marks[name]);
  if (kinds.some((kind) => typeof kind === 'string')) return 'names a kind of token';
  if (cnf?.jkt !== undefined && typeof cnf.jkt !== 'string') return 'jkt is not a string';
  return undefined;
}

/** A proof is for a URL, and a router reads paths as they are sent: none is taken for a path that means another. */
export function strictInPath(path) {
  return /(^|\/)(\.|%2e){1,2}(\/|$)|\\/i.test(path) ? 'a path with dot segments' : undefined;
}

function depthOf(text) {
  let depth = 0;
  let deepest = 0;
  for (const char of text.replace(/"(?:[^"\\]|\\.)*"/gs, '')) {
    if (char === '{' || char === '[') deepest = Math.max(deepest, ++depth);
    else if (char === '}' || char === ']') depth--;
  }
  return deepest;
}

/** Counts the names in the text and those that the parser kept: fewer of these means that one stood there twice. */
function hasAmbiguousMember(text) {
  const named = [...text.matchAll(/("(?:[^"\\]|\\.)*")[ \t\r\n]*(:?)/gs)].filter(
    ([, , colon]) => colon === ':',
  );
  if (named.some(([, name]) => JSON.parse(name) === '__proto__')) return true;
  return named.length !== countMembers(JSON.parse(text.replace(/^\ufeff/, '')));
}

function countMembers(value) {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum, each) => sum + countMembers(each), own);
}
