/** Which statuses may this request get on this route, and whose name may the handler see? The contract as a table. */
import { bindingOf, isProofGood, judgeToken, namesNoKey } from './oracle.js';
import { strictInPath, strictnessOf } from './strictness.js';

const SCOPE = 'read:things';
const GROUP = 'staff';
const REFUSED = [401, 400];
/** Among many invented names a token's key may not be looked up: that is not known to be bad. */
const NOT_LOOKED_UP = [...REFUSED, 503];

/** What stands in an Authorization header, read loosely; `undefined` where it names no scheme of ours. */
export function readAuthorization(value) {
  const trimmed = value.replace(/^[ \t]+|[ \t]+$/g, '');
  const match = /^(bearer|dpop)(?:[ \t]+(.*))?$/is.exec(trimmed);
  if (match) return { scheme: match[1].toLowerCase(), token: match[2] ?? '' };
  // `Bearer:` and the like are a misspelt scheme of ours; `Bearertoken` is another scheme (RFC 9110 section 5.6.2).
  return /^(bearer|dpop)[^A-Za-z0-9!#$%&'*+.^_`|~-]/i.test(trimmed)
    ? { scheme: 'misspelt', token: '' }
    : undefined;
}

/**
 * @param {{ authorization: readonly string[], proofs: readonly string[], secondWay: boolean }} sent
 * @returns {(route: string, path: string) => { allowed: readonly number[], sub: unknown, stricter: string | undefined }}
 */
export function expectationsFor({ authorization, proofs, secondWay }, world) {
  const [header] = authorization;
  const credentials = header === undefined ? undefined : readAuthorization(header);
  const anonymous = !credentials && authorization.every((each) => !readAuthorization(each));
  const verdict = anonymous ? undefined : judge(credentials, { authorization, proofs, secondWay }, world);
  return (route, path) => {
    if (route === 'public') return { allowed: [200], sub: null };
    if (anonymous) {
      // Two headers of other schemes may be refused for being two.
      if (route === 'optional') return { allowed: authorization.length > 1 ? [200, 400] : [200], sub: null };
      return { allowed: REFUSED };
    }
    if (!verdict.good) {
      const mayBeUnknown = credentials !== undefined && namesNoKey(credentials.token, world.keys);
      return { allowed: mayBeUnknown ? NOT_LOOKED_UP : REFUSED, why: verdict.why };
    }
    const { claims, proof } = verdict;
    const stricter = verdict.stricter ?? (proof.jkt === undefined ? undefined : strictInPath(path));
    const allowed = statusesOn(route, path, verdict);
    return { allowed: stricter ? [...allowed, ...REFUSED] : allowed, sub: claims.sub ?? null, stricter };
  };
}

function judge(credentials, { authorization, proofs, secondWay }, world) {
  if (!credentials || authorization.length > 1 || secondWay) return { good: false, why: 'more than one way' };
  const { scheme, token } = credentials;
  const verdict = judgeToken(token, world);
  if (!verdict.good) return verdict;
  const { certificate, key } = bindingOf(verdict.claims);
  // No request here comes with a client certificate.
  if (certificate !== undefined) return { good: false, why: 'bound to a certificate' };
  if ((key !== undefined) !== (scheme === 'dpop'))
    return { good: false, why: 'downgrade, or a proof for nothing' };
  const url = `http://127.0.0.1:${world.port}`;
  if (key !== undefined && proofs.length !== 1) return { good: false, why: 'no proof' };
  // RFC 6750 section 2.1, by the letter: one scheme, spaces, one token.
  const isPlain = /^(bearer|dpop) +[^ ,\t]+$/i.test(authorization[0].replace(/^[ \t]+|[ \t]+$/g, ''));
  const stricter = isPlain ? strictnessOf(token, verdict) : 'not one scheme, spaces, one token';
  return { ...verdict, stricter, proof: { jkt: key, text: proofs[0], url, token }, now: world.now };
}

function statusesOn(route, path, { claims, proof, now }) {
  const { jkt, text, url, token } = proof;
  if (jkt !== undefined && !isProofGood(text, { token, jkt, method: 'GET', url: `${url}/${path}`, now }))
    return REFUSED;
  if (route === 'cert-bound') return REFUSED;
  if (route === 'dpop-bound') return jkt === undefined ? REFUSED : [200];
  if (route === 'scoped') return scopesOf(claims).includes(SCOPE) ? [200] : [403];
  if (route === 'grouped') return groupsOf(claims).includes(GROUP) ? [200] : [403];
  return [200];
}

function scopesOf({ scope, scp }) {
  return [scope, scp].flatMap((claim) =>
    typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : [],
  );
}

function groupsOf({ groups }) {
  if (!Array.isArray(groups)) return [groups];
  return groups.flatMap((each) =>
    typeof each === 'object' && each !== null ? [each.name, each.id] : [each],
  );
}
