/** Runs the checks of {@link JwtTokenValidator} for one part of a JWT at a time, and reports which of them fail. */
import { quoteForeign } from '../errors/quote-foreign.js';
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { decodeJwt, type DecodedJwt } from '../jose/decode-jwt.js';
import { checkClaims, checkIssuer, trueTime } from '../token/check-claims.js';
import { checkProfile, checkType } from '../token/jwt-token.validator.js';
import type { Verdict } from './verdict.js';

/** @returns the claims, whether valid or not; `undefined` if they cannot be read */
export async function explainJwt(
  token: string,
  issuer: TrustedIssuer,
  verdict: Verdict,
): Promise<AccessTokenClaims | undefined> {
  let jwt: DecodedJwt | undefined;
  await verdict.check('form', `a JWT of ${token.length} characters`, () => {
    jwt = decodeJwt(token);
  });
  if (!jwt) return undefined;
  const { claims } = jwt;
  await checkKind(jwt, verdict);
  await checkSigner(jwt, issuer, verdict);
  await verdict.check('iss', quoteForeign(claims['iss']), async () =>
    checkIssuer(claims['iss'], (await issuer.keys.get()).issuer),
  );
  const { options } = verdict;
  const good = { exp: Math.floor(trueTime(options)) + 3600, aud: options.audience };
  const others = Object.keys(claims).filter((name) => name !== 'iss');
  await verdict.checkMembers(['aud', 'exp', ...others], claims, (one) =>
    checkClaims({ ...good, ...one }, options),
  );
  if (options.requireAccessTokenType)
    await verdict.check('RFC 9068', 'has sub, client_id, iat and jti', () => checkProfile(claims, options));
  return claims as AccessTokenClaims;
}

/** Checks that `typ` is that of an access token, and separately that no claims are those of an ID token. */
async function checkKind({ header, claims }: DecodedJwt, verdict: Verdict): Promise<void> {
  const { options } = verdict;
  const { typ } = header;
  const refusal = await verdict.check('typ', typ === undefined ? 'none' : quoteForeign(typ), () =>
    checkType({ header, claims: {} }, options),
  );
  const [otherwise, leniently] = refusal
    ? [{ typ: 'JWT' }, { requireAccessTokenType: false }]
    : [header, options];
  await verdict.check('no ID token', 'no claim that only ID tokens have', () =>
    checkType({ header: otherwise, claims }, leniently),
  );
}

/** Checks the header member by member, then the signature, which requires a valid header. */
async function checkSigner(jwt: DecodedJwt, issuer: TrustedIssuer, verdict: Verdict): Promise<void> {
  const { signatures } = issuer;
  const { header, signature } = jwt;
  const { alg, kid } = header;
  const [good = ''] = verdict.options.signingAlgorithms;
  const checkHeader = (one: DecodedJwt['header'], signed: Buffer = Buffer.from('signed')): void =>
    signatures.checkHeader({ header: { alg: good, ...one }, signature: signed });

  const unusable = [
    await verdict.check('alg', quoteForeign(alg), () => checkHeader({ alg })),
    'kid' in header ? await verdict.check('kid', quoteForeign(kid), () => checkHeader({ kid })) : undefined,
    await verdict.check('signature', undefined, () => checkHeader({}, signature)),
  ];
  await verdict.checkMembers(
    Object.keys(header).filter((name) => !['alg', 'kid', 'typ'].includes(name)),
    header,
    (one) => checkHeader(one),
  );
  if (signature.length === 0) return;
  if (unusable.some((refusal) => refusal !== undefined))
    verdict.leaveOpen('signature', 'there is no key to verify it with');
  else
    await verdict.check('signature', 'verified with a key of the issuer', () =>
      signatures.verify({ ...jwt, header: { alg, ...(kid !== undefined && { kid }) } }),
    );
}
