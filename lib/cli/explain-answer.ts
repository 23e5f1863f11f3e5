/** Which checks of an introspection answer fail? The judge of {@link OpaqueTokenValidator}, one member at a time. */
import { TokenError, type AuthError } from '../errors/auth.errors.js';
import type { TokenRoom } from '../token-room.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import type { IntrospectionAnswer } from '../token/introspection-client.js';
import { judgeAnswer } from '../token/opaque-token.validator.js';
import type { Judgement } from './judgement.js';

/** JWE has five parts (RFC 7516 section 3.1). */
const ENCRYPTED = /^[\w-]+(\.[\w-]*){4}$/;

/**
 * @param refusal what the whole judgement came to
 * @returns the claims as the provider says them, good or not; `undefined` if it says none
 */
export async function explainAnswer(
  token: string,
  refusal: AuthError | undefined,
  { asking }: TokenRoom,
  judgement: Judgement,
): Promise<AccessTokenClaims | undefined> {
  const form = ENCRYPTED.test(token) ? 'an encrypted JWT' : 'an opaque token';
  const cannotBe = refusal instanceof TokenError && refusal.reason === 'malformed';
  if (!asking || cannotBe) {
    if (refusal) judgement.refuse('form', refusal);
    return undefined;
  }
  judgement.show('form', `${form} of ${token.length} characters`);

  let answer: IntrospectionAnswer | undefined;
  await judgement.judge('introspection', 'the provider answered', async () => {
    answer = await asking.introspect(token);
  });
  if (!answer) return undefined;
  const { issuer, claims } = answer;
  const { options } = judgement;
  const judge = (one: Readonly<Record<string, unknown>>): void =>
    judgeAnswer({ issuer, claims: { active: true, aud: options.audience, ...one } }, options);

  const inactive = await judgement.judge('active', 'true', () => judge({ active: claims['active'] }));
  if (inactive) return undefined;
  const others = Object.keys(claims).filter((name) => name !== 'active');
  await judgement.judgeMembers(['aud', ...others], claims, judge);
  return claims as AccessTokenClaims;
}
