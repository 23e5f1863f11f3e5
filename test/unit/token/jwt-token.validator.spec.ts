/** What a JWT says of its own type, and what RFC 9068 requires of it. */
import { TokenError } from '../../../lib/errors/auth.errors.js';
import { checkProfile, checkType } from '../../../lib/token/jwt-token.validator.js';

/** Reason and detail; `undefined`: nothing was refused. */
function outcomeOf(check: () => void): readonly [reason: string, detail: string | undefined] | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return [error.reason, error.detail];
  }
}

const typed = (
  typ: unknown,
  requireAccessTokenType: boolean,
  claims: Record<string, unknown> = {},
): ReturnType<typeof outcomeOf> =>
  outcomeOf(() => checkType({ header: { typ }, claims }, { requireAccessTokenType }));

describe('typ', () => {
  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+jwt'])(
    '%s is that of an access token, whatever its claims',
    (typ) => {
      for (const required of [true, false])
        expect(typed(typ, required, { nonce: 'n', at_hash: 'h' })).toBeUndefined();
    },
  );

  it.each([undefined, 'JWT', 'jwt'])('%p is accepted unless the type is required', (typ) => {
    expect(typed(typ, false)).toBeUndefined();
    expect(typed(typ, true)).toEqual([
      'type',
      `typ is ${typ === undefined ? 'undefined' : `"${typ}"`}, expected at+jwt`,
    ]);
  });

  it.each<[typ: unknown, quoted: string]>([
    ['', '""'],
    ['dpop+jwt', '"dpop+jwt"'],
    ['at+jwt ', '"at+jwt "'],
    ['xat+jwt', '"xat+jwt"'],
    ['application/jwt', '"application/jwt"'],
    ['jwtx', '"jwtx"'],
    [null, 'null'],
    [7, '7'],
    [['at+jwt'], '["at+jwt"]'],
    [['jwt'], '["jwt"]'],
  ])('%j is refused', (typ, quoted) => {
    expect(typed(typ, false)).toEqual(['type', `typ ${quoted} is not that of an access token`]);
    expect(typed(typ, true)).toEqual(['type', `typ is ${quoted}, expected at+jwt`]);
  });

  it.each(['nonce', 'at_hash', 'c_hash', 's_hash'])(
    'JWT is refused with %s, which ID tokens have',
    (name) => {
      for (const typ of [undefined, 'JWT'])
        expect(typed(typ, false, { [name]: undefined })).toEqual([
          'type',
          `${name} makes it an ID token, not an access token`,
        ]);
    },
  );

  it('does not outweigh a claim that names another kind of token', () => {
    for (const typ of ['at+jwt', 'JWT'])
      expect(typed(typ, false, { token_use: 'refresh' })).toEqual([
        'type',
        'token_use "refresh": not an access token',
      ]);
  });
});

describe('the claims of RFC 9068', () => {
  const GOOD = { sub: 'ann', client_id: 'client', iat: 1, jti: 'id' };
  const missing = (claims: Record<string, unknown>, requireAccessTokenType = true): unknown =>
    outcomeOf(() => checkProfile({ ...GOOD, ...claims }, { requireAccessTokenType }));

  it('are required where the type is', () => {
    expect(missing({})).toBeUndefined();
    for (const name of Object.keys(GOOD))
      for (const value of [undefined, null]) {
        expect(missing({ [name]: value })).toEqual(['claims', `${name} missing: RFC 9068 requires it`]);
        expect(missing({ [name]: value }, false)).toBeUndefined();
      }
    expect(missing({ sub: null, jti: undefined })).toEqual([
      'claims',
      'sub, jti missing: RFC 9068 requires it',
    ]);
  });

  it('may be empty: their form is judged with the other claims', () => {
    expect(missing({ sub: '', iat: 0, jti: '' })).toBeUndefined();
  });
});
