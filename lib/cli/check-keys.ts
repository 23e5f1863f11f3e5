/** Checks which keys of the issuer can verify signatures, and why the others cannot. */
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { VerificationKey } from '../jose/verification-key.js';
import { importIssuerKey } from '../jose/verification-key.js';
import { isKindFor, isPublicKey, SIGNING_ALGORITHMS } from '../jose/verify-signature.js';
import type { Finding } from './findings.js';

interface CheckedKey {
  readonly kid: unknown;
  readonly algorithms: readonly string[];
  /** Why the key cannot be used; `undefined` for a usable key, and for a key that is not meant for signatures. */
  readonly problem?: string;
  readonly isPrivate?: boolean;
}

export function checkKeys(
  keys: readonly VerificationKey[],
  {
    signingAlgorithms,
    introspectJwtTokens,
  }: Pick<ResolvedOptions, 'signingAlgorithms' | 'introspectJwtTokens'>,
): readonly Finding[] {
  const checked = keys.map((key) => checkKey(key, signingAlgorithms));
  const usable = checked.filter(({ algorithms }) => algorithms.length > 0);
  const algorithms = signingAlgorithms.filter((alg) => usable.some((key) => key.algorithms.includes(alg)));
  const total = `${usable.length} of ${keys.length} usable`;
  const findings: Finding[] = [
    usable.length > 0
      ? { status: 'ok', check: 'keys', found: `${total}: ${algorithms.join(', ')}` }
      : {
          status: introspectJwtTokens ? 'warn' : 'FAIL',
          check: 'keys',
          found: `${total}: no JWT can be accepted`,
          change:
            'configure the provider to sign with RS256 (2048 bits or more) or ES256, and to publish that key',
        },
    ...checked.flatMap(complainOf),
  ];
  const nameless = usable.filter(({ kid }) => kid === undefined).length;
  if (nameless > 0 && usable.length > 1)
    findings.push({
      status: 'warn',
      check: 'keys',
      found: `${nameless} without kid: tokens are verified with each matching key`,
      change: 'configure the provider to name its keys',
    });
  return findings;
}

function complainOf({ kid, problem, isPrivate = false }: CheckedKey): Finding[] {
  if (problem === undefined) return [];
  const found = `${kid === undefined ? 'a key without kid' : quoteForeign(kid)} is not used: ${problem}`;
  return isPrivate
    ? [
        {
          status: 'FAIL',
          check: 'keys',
          found,
          change: 'everybody who reads it can sign tokens: replace this key now',
        },
      ]
    : [
        {
          status: 'warn',
          check: 'keys',
          found,
          change: 'no action is needed unless tokens are signed with it',
        },
      ];
}

function checkKey(key: VerificationKey, accepted: readonly string[]): CheckedKey {
  const jwk = JSON.parse(key.text) as Readonly<Record<string, unknown>>;
  const fitting = accepted.filter((alg) => key.fits(alg));
  const { kid } = key;
  // Includes symmetric keys: they have no private part, but are secrets that the key set publishes all the same.
  if (!isPublicKey(jwk))
    return { kid, algorithms: [], problem: 'the key set publishes its private part', isPrivate: true };
  if (fitting.length === 0) {
    const problem = jwk['use'] === 'enc' ? undefined : misfitOf(jwk);
    return { kid, algorithms: [], ...(problem !== undefined && { problem }) };
  }
  const problems = new Set<string>();
  const algorithms = fitting.filter((alg) => {
    try {
      importIssuerKey(alg, jwk);
      return true;
    } catch (error) {
      problems.add(error instanceof Error ? error.message : 'import failed');
      return false;
    }
  });
  return { kid, algorithms, ...(algorithms.length === 0 && { problem: [...problems].join('; ') }) };
}

function misfitOf(jwk: Readonly<Record<string, unknown>>): string {
  const { kty, crv, alg, use } = jwk;
  if (use !== undefined && use !== 'sig') return `use is ${quoteForeign(use)}`;
  if (!SIGNING_ALGORITHMS.some((each) => isKindFor(each, jwk)))
    return `kty ${quoteForeign(kty)}${crv === undefined ? '' : ` with crv ${quoteForeign(crv)}`} is not supported`;
  if (alg !== undefined) return `alg ${quoteForeign(alg)} is not accepted, or does not match the key`;
  return 'its type or its key_ops do not match signingAlgorithms';
}
