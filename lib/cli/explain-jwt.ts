/** Which checks of a JWT fail? The judges of {@link JwtTokenValidator}, one part at a time. */
import { quoteForeign } from '../errors/quote-foreign.js';
import type { TokenRoom } from '../token-room.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { decodeJwt, type DecodedJwt } from '../token/decode-jwt.js';
import { judgeClaims, judgeIssuer, trueTime } from '../token/judge-claims.js';
import { judgeType } from '../token/jwt-token.validator.js';
import type { Judgement } from './judgement.js';

/** @returns the claims as they stand there, good or not; `undefined` if they cannot be read */
export async function explainJwt(
  token: string,
  room: TokenRoom,
  judgement: Judgement,
): Promise<AccessTokenClaims | undefined> {
  let jwt: DecodedJwt | undefined;
  await judgement.judge('form', `a JWT of ${token.length} characters`, () => {
    jwt = decodeJwt(token);
  });
  if (!jwt) return undefined;
  const { claims } = jwt;
  await judgeKind(jwt, judgement);
  await judgeSigner(jwt, room, judgement);
  await judgement.judge('iss', quoteForeign(claims['iss']), async () =>
    judgeIssuer(claims['iss'], (await room.keys.get()).issuer),
  );
  const { options } = judgement;
  const good = { exp: Math.floor(trueTime(options)) + 3600, aud: options.audience };
  const others = Object.keys(claims).filter((name) => name !== 'iss');
  await judgement.judgeMembers(['aud', 'exp', ...others], claims, (one) =>
    judgeClaims({ ...good, ...one }, options),
  );
  return claims as AccessTokenClaims;
}

/** An access token by its `typ`, and nothing else by what it carries. */
async function judgeKind({ header, claims }: DecodedJwt, judgement: Judgement): Promise<void> {
  const { options } = judgement;
  const { typ } = header;
  const refusal = await judgement.judge('typ', typ === undefined ? 'none' : quoteForeign(typ), () =>
    judgeType({ header, claims: {} }, options),
  );
  const [otherwise, leniently] = refusal
    ? [{ typ: 'JWT' }, { requireAccessTokenType: false }]
    : [header, options];
  await judgement.judge('no ID token', 'nothing that only ID tokens carry', () =>
    judgeType({ header: otherwise, claims }, leniently),
  );
}

/** The header member by member, then the signature, which needs what the header says. */
async function judgeSigner(jwt: DecodedJwt, room: TokenRoom, judgement: Judgement): Promise<void> {
  const { signatures } = room;
  const { header, signature } = jwt;
  const { alg, kid } = header;
  const [good = ''] = judgement.options.signingAlgorithms;
  const judgeHeader = (one: DecodedJwt['header'], signed: Buffer = Buffer.from('signed')): void =>
    signatures.judgeHeader({ header: { alg: good, ...one }, signature: signed });

  const unusable = [
    await judgement.judge('alg', quoteForeign(alg), () => judgeHeader({ alg })),
    'kid' in header ? await judgement.judge('kid', quoteForeign(kid), () => judgeHeader({ kid })) : undefined,
    await judgement.judge('signature', undefined, () => judgeHeader({}, signature)),
  ];
  await judgement.judgeMembers(
    Object.keys(header).filter((name) => !['alg', 'kid', 'typ'].includes(name)),
    header,
    (one) => judgeHeader(one),
  );
  if (signature.length === 0) return;
  if (unusable.some((refusal) => refusal !== undefined))
    judgement.leaveOpen('signature', 'there is nothing to check it by');
  else
    await judgement.judge('signature', "by a key of the issuer's", () =>
      signatures.verify({ ...jwt, header: { alg, ...(kid !== undefined && { kid }) } }),
    );
}
