/** Runs the checks of {@link OpaqueTokenValidator} for one member of an introspection response at a time. */
import { TokenError, type AuthError } from '../errors/auth.errors.js';
import type { ValidatingIssuer } from '../validation/validating-issuer.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { IntrospectionAnswer } from '../introspection/introspection-answer.js';
import { checkAnswer } from '../introspection/opaque-token.validator.js';
import type { Verdict } from './verdict.js';

/** A JWE has five parts (RFC 7516 section 3.1). */
const ENCRYPTED = /^[\w-]+(\.[\w-]*){4}$/;

/**
 * @param refusal the error of the complete validation, if any
 * @returns the claims in the response, whether valid or not; `undefined` if the provider reports none
 */
export async function explainAnswer(
  token: string,
  refusal: AuthError | undefined,
  { introspectionClient }: ValidatingIssuer,
  verdict: Verdict,
): Promise<AccessTokenClaims | undefined> {
  const form = ENCRYPTED.test(token) ? 'an encrypted JWT' : 'an opaque token';
  const cannotBe = refusal instanceof TokenError && refusal.reason === 'malformed';
  if (!introspectionClient || cannotBe) {
    if (refusal) verdict.refuse('form', refusal);
    return undefined;
  }
  verdict.show('form', `${form} of ${token.length} characters`);

  let answer: IntrospectionAnswer | undefined;
  await verdict.check('introspection', 'the provider answered', async () => {
    answer = await introspectionClient.introspect(token);
  });
  if (!answer) return undefined;
  const { issuer, claims } = answer;
  const { options } = verdict;
  const check = (one: Readonly<Record<string, unknown>>): void =>
    checkAnswer({ issuer, claims: { active: true, aud: options.audience, ...one } }, options);

  const inactive = await verdict.check('active', 'true', () => check({ active: claims['active'] }));
  if (inactive) return undefined;
  const others = Object.keys(claims).filter((name) => name !== 'active');
  await verdict.checkMembers(['aud', ...others], claims, check);
  return claims as AccessTokenClaims;
}
