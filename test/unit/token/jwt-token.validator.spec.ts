/** When a verified token is known again; what a JWT says of its own type; what RFC 9068 requires of it. */
import { TokenError } from '../../../lib/errors/auth.errors.js';
import { IssuerKeySet } from '../../../lib/issuer/issuer-key-set.js';
import type { TrustedIssuer } from '../../../lib/issuer/trusted-issuer.js';
import type { DecodedJwt } from '../../../lib/jose/decode-jwt.js';
import { VerificationKey } from '../../../lib/jose/verification-key.js';
import { VerificationQueue } from '../../../lib/timing/verification-queue.js';
import {
  checkProfile,
  checkType,
  JwtTokenValidator,
  VerifiedJwts,
} from '../../../lib/token/jwt-token.validator.js';
import { ValidatedToken } from '../../../lib/token/validated-token.js';
import { advanceClock } from '../../support/clock.js';
import { nowInSeconds } from '../../support/tokens.js';

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

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'https://api.example.com';
const OPTIONS = { audience: AUDIENCE, clockSkew: 0, clockTolerance: 0, requireAccessTokenType: false };
const keyNamed = (kid: string): VerificationKey => new VerificationKey({ kid }, kid, () => undefined);

/** An issuer whose keys and signatures are what the test says. */
class ScriptedIssuer {
  readonly name = 'default';
  isCurrent = true;
  readonly key = keyNamed('key');
  keySet: IssuerKeySet | Promise<IssuerKeySet> = new IssuerKeySet(ISSUER, [this.key]);
  /** The key set that the signature was verified with, where it is another one. */
  verifiedWith: IssuerKeySet | undefined;
  isSlow = false;
  readonly asked: string[] = [];

  readonly keys = {
    get: (): IssuerKeySet | Promise<IssuerKeySet> => {
      this.asked.push('keys');
      return this.keySet;
    },
  };
  readonly signatures = {
    checkHeader: ({ header }: DecodedJwt): void => {
      if (header['alg'] === 'none') throw new TokenError('invalid_token', { detail: 'alg' });
    },
    verify: (): unknown => {
      this.asked.push('signature');
      const found = { key: this.key, keySet: this.verifiedWith ?? this.keySet };
      return this.isSlow ? Promise.resolve(found) : found;
    },
  };

  toIssuer(): TrustedIssuer {
    return this as unknown as TrustedIssuer;
  }
}

const jwtOf = (token: string, claims: Record<string, unknown> = {}, header = {}): DecodedJwt => ({
  token,
  header,
  claims: { iss: ISSUER, aud: AUDIENCE, exp: nowInSeconds() + 600, ...claims },
  signed: '',
  signature: Buffer.alloc(0),
});

describe('a token', () => {
  let issuer: ScriptedIssuer;
  let verified: VerifiedJwts;
  let validator: JwtTokenValidator;
  beforeEach(() => {
    issuer = new ScriptedIssuer();
    verified = new VerifiedJwts();
    validator = new JwtTokenValidator(issuer.toIssuer(), verified, new VerificationQueue(), OPTIONS);
  });

  const detailOf = async (jwt: DecodedJwt): Promise<string | undefined> => {
    try {
      await validator.validate(jwt);
      return undefined;
    } catch (error) {
      return (error as TokenError).detail;
    }
  };

  it('is verified at once where the keys are at hand, and known from then on', () => {
    expect(verified.recall('token')).toBeUndefined();
    const token = validator.validate(jwtOf('token', { sub: 'ann' }));
    expect(token).toMatchObject({ token: 'token', claims: { sub: 'ann' }, issuer });
    expect(Object.isFrozen((token as { claims: unknown }).claims)).toBe(true);
    expect(issuer.asked).toEqual(['keys', 'signature']);
    expect(verified.recall('token')).toBe(token);
    expect(verified.recall('other')).toBeUndefined();
  });

  it('is verified as soon as the keys are there, or the signature is checked', async () => {
    const { keySet } = issuer;
    issuer.keySet = Promise.resolve(keySet);
    issuer.verifiedWith = keySet as IssuerKeySet;
    const late = await validator.validate(jwtOf('late'));
    issuer.keySet = keySet;
    issuer.isSlow = true;
    const slow = await validator.validate(jwtOf('slow'));
    expect([verified.recall('late'), verified.recall('slow')]).toEqual([late, slow]);
    expect(verified.recall('late')).toBe(late);
  });

  it.each<[name: string, jwt: () => DecodedJwt, detail: string]>([
    ['header', () => jwtOf('token', {}, { alg: 'none' }), 'alg'],
    ['type', () => jwtOf('token', {}, { typ: 'dpop+jwt' }), 'typ "dpop+jwt" is not that of an access token'],
    ['claims', () => jwtOf('token', { exp: undefined }), 'exp is missing'],
  ])('is refused for its %s before anybody is asked for keys', async (_, jwt, detail) => {
    expect(await detailOf(jwt())).toBe(detail);
    expect(issuer.asked).toEqual([]);
    expect(verified.recall('token')).toBeUndefined();
  });

  it('is refused without the claims of the profile before anybody is asked for keys', () => {
    const options = { ...OPTIONS, requireAccessTokenType: true };
    const strict = new JwtTokenValidator(issuer.toIssuer(), verified, new VerificationQueue(), options);
    expect(() => strict.validate(jwtOf('token', {}, { typ: 'at+jwt' }))).toThrow(TokenError);
    expect(issuer.asked).toEqual([]);
  });

  it('of another issuer is refused before its signature is checked', async () => {
    const detail = 'iss is "https://other.example", expected "https://issuer.example"';
    expect(await detailOf(jwtOf('token', { iss: 'https://other.example' }))).toBe(detail);
    issuer.keySet = Promise.resolve(new IssuerKeySet(ISSUER, []));
    expect(await detailOf(jwtOf('token', { iss: 'https://other.example' }))).toBe(detail);
    expect(issuer.asked).toEqual(['keys', 'keys']);
  });

  it('is refused where the issuer has another name by the time that the signature is checked', async () => {
    issuer.verifiedWith = new IssuerKeySet('https://renamed.example', [issuer.key]);
    const detail = 'iss is "https://issuer.example", expected "https://renamed.example"';
    expect(await detailOf(jwtOf('token'))).toBe(detail);
    issuer.isSlow = true;
    expect(await detailOf(jwtOf('token'))).toBe(detail);
    expect(verified.recall('token')).toBeUndefined();
  });

  it('is known with later key sets that have its key, and with no other', () => {
    const token = validator.validate(jwtOf('token'));
    issuer.keySet = new IssuerKeySet(ISSUER, [keyNamed('other'), issuer.key]);
    expect(verified.recall('token')).toBe(token);
    issuer.keySet = new IssuerKeySet(ISSUER, [keyNamed('other')]);
    expect(verified.recall('token')).toBeUndefined();
    issuer.keySet = new IssuerKeySet('https://renamed.example', [issuer.key]);
    expect(verified.recall('token')).toBeUndefined();
    issuer.keySet = new IssuerKeySet(ISSUER, [issuer.key]);
    expect(verified.recall('token')).toBe(token);
    issuer.isCurrent = false;
    expect(verified.recall('token')).toBeUndefined();
  });

  it('that a caller has kept is known, also when it is no longer remembered', async () => {
    const kept = await validator.validate(jwtOf('token'));
    expect(verified.forget(() => true)).toBe(1);
    expect(verified.recall('token')).toBeUndefined();
    expect(verified.recall('token', kept)).toBe(kept);
    // For no other token, in no other module, and not without a signature that was verified here.
    expect(verified.recall('other', kept)).toBeUndefined();
    expect(new VerifiedJwts().recall('token', kept)).toBeUndefined();
    const introspected = new ValidatedToken('token', kept.claims, kept.issuer);
    expect(verified.recall('token', introspected)).toBeUndefined();
  });

  it('that a caller has kept is checked as one that is remembered: its key, its time, its issuer', async () => {
    const kept = await validator.validate(jwtOf('token'));
    issuer.keySet = new IssuerKeySet(ISSUER, [keyNamed('other')]);
    expect(verified.recall('token', kept)).toBeUndefined();
    issuer.keySet = new IssuerKeySet(ISSUER, [issuer.key]);
    expect(verified.recall('token', kept)).toBe(kept);
    advanceClock(601);
    expect(() => verified.recall('token', kept)).toThrow(expect.objectContaining({ reason: 'expired' }));
    issuer.isCurrent = false;
    expect(verified.recall('token', kept)).toBeUndefined();
  });

  it('is not known while keys are fetched, and a failure to fetch them ends nothing', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    void validator.validate(jwtOf('token'));
    issuer.keySet = Promise.reject(new Error('the provider is down'));
    expect(verified.recall('token')).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('is refused when its time is over, in the name of its issuer', () => {
    void validator.validate(jwtOf('token'));
    advanceClock(601);
    let refusal: unknown;
    try {
      verified.recall('token');
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(TokenError);
    expect(refusal).toMatchObject({ reason: 'expired', issuer: 'default' });
  });

  it('is forgotten with its issuer, or when it is picked', () => {
    const others = new JwtTokenValidator(
      new ScriptedIssuer().toIssuer(),
      verified,
      new VerificationQueue(),
      OPTIONS,
    );
    for (const name of ['a', 'b', 'c']) void validator.validate(jwtOf(name, { sub: name }));
    const other = others.validate(jwtOf('other', { sub: 'a' }));
    expect(verified.forget((token, { sub }) => token === 'a' && sub === 'a')).toBe(1);
    expect(verified.forget(() => false)).toBe(0);
    expect(['a', 'b', 'other'].map((name) => verified.recall(name) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
    verified.forgetIssuer(issuer.toIssuer());
    expect(['b', 'c'].map((name) => verified.recall(name))).toEqual([undefined, undefined]);
    expect(verified.recall('other')).toBe(other);
  });

  it.each<[ofSeveral: boolean | undefined, most: number]>([
    [undefined, 10_000],
    [false, 10_000],
    [true, 50_000],
  ])('of several issuers: %p; %i are known', (ofSeveral, most) => {
    const many = new VerifiedJwts(ofSeveral);
    const into = new JwtTokenValidator(issuer.toIssuer(), many, new VerificationQueue(), OPTIONS);
    const tokenOf = (i: number): string => `${i}`.padStart(40, 't');
    for (let i = 0; i <= most; i++) void into.validate(jwtOf(tokenOf(i)));
    expect([0, 1, most].map((i) => many.recall(tokenOf(i)) !== undefined)).toEqual([false, true, true]);
  });
});
