/** Which claims hold, to the second, and what it costs to refuse those that nobody has vouched for. */
import { TokenError } from '../../../lib/errors/auth.errors.js';
import {
  checkClaims,
  checkIssuer,
  checkTimes,
  isCurrent,
  trueTime,
  type Leniency,
} from '../../../lib/token/check-claims.js';

const OPTIONS = { audience: 'https://api.example.com', clockSkew: 0, clockTolerance: 300 };
const NOW = 1_800_000_000;
const GOOD = { exp: NOW + 600, aud: OPTIONS.audience };
/** 9999-12-31T23:59:59Z. */
const LATEST = 253_402_300_799;

const { now } = Date;
beforeAll(() => {
  Date.now = () => NOW * 1000;
});
afterAll(() => {
  Date.now = now;
});

/** Tells whether it was put into words. */
function watched(): { readonly value: object; readonly isRead: () => boolean } {
  let read = false;
  const value = new Proxy(
    {},
    {
      ownKeys: () => {
        read = true;
        return [];
      },
    },
  );
  return { value, isRead: () => read };
}

function refusalOf(check: () => void): TokenError {
  try {
    check();
  } catch (error) {
    if (error instanceof TokenError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

it.each<[string, (value: object) => void]>([
  ['exp', (exp) => checkClaims({ ...GOOD, exp }, OPTIONS)],
  ['nbf', (nbf) => checkClaims({ ...GOOD, nbf }, OPTIONS)],
  ['iat', (iat) => checkClaims({ ...GOOD, iat }, OPTIONS)],
  ['iss', (iss) => checkIssuer(iss, 'https://issuer.example')],
])('%s is put into words when the reason is read', (name, check) => {
  const { value, isRead } = watched();
  const refusal = refusalOf(() => check(value));
  expect(isRead()).toBe(false);
  expect(refusal.detail).toContain(`${name} is {}`);
  expect(isRead()).toBe(true);
});

it.each([1, 256])('accepts this API as the last of %i audiences', (count) => {
  const aud = [...Array.from({ length: count - 1 }, (_, i) => `https://${i}.example`), OPTIONS.audience];
  expect(() => checkClaims({ ...GOOD, aud }, OPTIONS)).not.toThrow();
});

it('looks at no member of a list of too many audiences', () => {
  const aud = Array.from({ length: 257 }, () => OPTIONS.audience);
  Object.defineProperty(aud, 0, {
    get: () => {
      throw new Error('looked at');
    },
  });
  const refusal = refusalOf(() => checkClaims({ ...GOOD, aud }, OPTIONS));
  expect([refusal.reason, refusal.detail]).toEqual(['audience', 'aud names 257 audiences, more than 256']);
});

/** Reason and detail; `undefined`: nothing was refused. */
function outcomeOf(check: () => void): readonly [reason: string, detail: string | undefined] | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    expect(error.code).toBe('invalid_token');
    return [error.reason, error.detail];
  }
}

const outcome = (
  claims: Record<string, unknown>,
  options: Partial<typeof OPTIONS> = {},
  leniency?: Leniency,
): ReturnType<typeof outcomeOf> =>
  outcomeOf(() => checkClaims({ ...GOOD, ...claims }, { ...OPTIONS, ...options }, leniency));

describe('times', () => {
  it.each<[times: { exp?: number; nbf?: number }, refusal: readonly [string, string] | undefined]>([
    [{}, undefined],
    [{ exp: NOW + 1 }, undefined],
    [{ exp: NOW - 299 }, undefined],
    [{ exp: NOW - 299.5 }, undefined],
    [{ exp: NOW - 300 }, ['expired', 'the token expired 300 s ago']],
    [{ exp: NOW - 300.5 }, ['expired', 'the token expired 301 s ago']],
    [{ exp: 0 }, ['expired', `the token expired ${NOW} s ago`]],
    [{ nbf: NOW - 1 }, undefined],
    [{ nbf: NOW + 300 }, undefined],
    [{ nbf: NOW + 300.5 }, ['not_yet_valid', 'the token starts in 301 s']],
    [{ nbf: NOW + 301 }, ['not_yet_valid', 'the token starts in 301 s']],
    [{ exp: NOW + 600, nbf: NOW - 600 }, undefined],
    [{ exp: NOW - 300, nbf: NOW - 600 }, ['expired', 'the token expired 300 s ago']],
    [{ exp: NOW + 600, nbf: NOW + 400 }, ['not_yet_valid', 'the token starts in 400 s']],
  ])('%j', (times, refusal) => {
    expect(outcomeOf(() => checkTimes(times, OPTIONS))).toEqual(refusal);
    expect(isCurrent(times, OPTIONS)).toBe(refusal === undefined);
    if (times.exp !== undefined) expect(outcome(times)).toEqual(refusal);
  });

  it('are compared with the true time, and with the leeway of the options', () => {
    const ahead = { ...OPTIONS, clockSkew: 3600, clockTolerance: 0 };
    expect(trueTime(ahead)).toBe(NOW - 3600);
    expect([NOW - 3600, NOW - 3599].map((exp) => isCurrent({ exp }, ahead))).toEqual([false, true]);
    expect([NOW - 3600, NOW - 3599].map((nbf) => isCurrent({ nbf }, ahead))).toEqual([true, false]);
    expect(outcome({ exp: NOW - 3600 }, ahead)).toEqual(['expired', 'the token expired 0 s ago']);
    expect(outcome({ iat: NOW - 3500 }, ahead)?.[1]).toBe('iat is 100 s in the future: check the clocks');
  });

  it.each<[iat: number, refusal: readonly [string, string] | undefined]>([
    [0, undefined],
    [NOW + 300, undefined],
    [NOW + 300.5, ['not_yet_valid', 'iat is 301 s in the future: check the clocks']],
    [NOW + 301, ['not_yet_valid', 'iat is 301 s in the future: check the clocks']],
  ])('iat %d', (iat, refusal) => {
    expect(outcome({ iat })).toEqual(refusal);
  });

  it.each<[exp: unknown, detail: string | undefined]>([
    [undefined, 'exp is missing'],
    [null, 'exp is null, not a number of seconds'],
    ['1', 'exp is "1", not a number of seconds'],
    [[NOW], `exp is [${NOW}], not a number of seconds`],
    [NaN, 'exp is NaN, not a number of seconds'],
    [Infinity, 'exp is Infinity, not a number of seconds'],
    [-Infinity, 'exp is -Infinity, not a number of seconds'],
    [-1, 'exp is -1, not a time'],
    [LATEST, undefined],
    [LATEST + 1, `exp is ${LATEST + 1}, possibly in milliseconds`],
  ])('exp %p', (exp, detail) => {
    expect(outcome({ exp })).toEqual(detail && ['claims', detail]);
  });

  it.each(['nbf', 'iat'])('%s is a time, or left out', (name) => {
    for (const time of [undefined, 0, 0.5]) expect(outcome({ [name]: time })).toBeUndefined();
    for (const [value, quoted] of [
      [null, 'null'],
      ['1', '"1"'],
      [[1], '[1]'],
      [true, 'true'],
      [NaN, 'NaN'],
      [-1, '-1'],
      [LATEST + 1, String(LATEST + 1)],
    ] as const)
      expect(outcome({ [name]: value })).toEqual(['claims', `${name} is ${quoted}, not a number of seconds`]);
    expect(outcome({ [name]: LATEST })?.[0]).toBe('not_yet_valid');
  });
});

describe('aud', () => {
  const [ONE, TWO] = [OPTIONS.audience, 'https://other.example.com'];

  it.each<[aud: unknown, audience: string | readonly string[], detail: string | undefined]>([
    [ONE, ONE, undefined],
    [[TWO, ONE], ONE, undefined],
    [TWO, [ONE, TWO], undefined],
    [undefined, ONE, 'aud is missing'],
    [[], ONE, `aud is [], expected "${ONE}"`],
    [TWO, ONE, `aud is "${TWO}", expected "${ONE}"`],
    ['a', ['b', 'c'], 'aud is "a", expected "b" or "c"'],
    [`${ONE}/`, ONE, `aud is "${ONE}/", expected "${ONE}": differs by a trailing slash`],
    ['a', ['b', 'a/'], 'aud is "a", expected "b" or "a/": differs by a trailing slash'],
    [['c', 'a/'], ['a', 'b'], 'aud is ["c","a/"], expected "a" or "b": differs by a trailing slash'],
    [ONE.toUpperCase(), ONE, `aud is "${ONE.toUpperCase()}", expected "${ONE}"`],
    [null, ONE, 'aud is neither a string nor a list of strings'],
    [7, ONE, 'aud is neither a string nor a list of strings'],
    [[ONE, 7], ONE, 'aud is neither a string nor a list of strings'],
    [[[ONE]], ONE, 'aud is neither a string nor a list of strings'],
    [ONE, [], `aud is "${ONE}", expected `],
  ])('%j, expected %j', (aud, audience, detail) => {
    const checked = outcomeOf(() => checkClaims({ ...GOOD, aud }, { ...OPTIONS, audience }));
    expect(checked).toEqual(detail && ['audience', detail]);
  });
});

describe('what may be left out', () => {
  it.each<[missing: string, leniency: Leniency, detail: string | undefined]>([
    ['exp', { withoutExp: true }, undefined],
    ['aud', { withoutAud: true }, undefined],
    ['exp', { withoutAud: true }, 'exp is missing'],
    ['aud', { withoutExp: true }, 'aud is missing'],
    ['exp', { withoutExp: false }, 'exp is missing'],
    ['aud', {}, 'aud is missing'],
  ])('%s with %j', (missing, leniency, detail) => {
    expect(outcome({ [missing]: undefined }, {}, leniency)?.[1]).toBe(detail);
  });

  it('must hold where it is there', () => {
    const leniency = { withoutExp: true, withoutAud: true };
    expect(outcome({ exp: NOW - 300 }, {}, leniency)?.[0]).toBe('expired');
    expect(outcome({ exp: null }, {}, leniency)?.[0]).toBe('claims');
    expect(outcome({ aud: 'other' }, {}, leniency)?.[0]).toBe('audience');
    expect(outcome({ aud: null }, {}, leniency)?.[0]).toBe('audience');
    expect(outcome({ exp: undefined, nbf: NOW + 301 }, {}, leniency)?.[0]).toBe('not_yet_valid');
  });
});

describe('other claims', () => {
  it.each(['sub', 'client_id', 'jti'])('%s is a string, or left out', (name) => {
    for (const value of [undefined, '', 'ann']) expect(outcome({ [name]: value })).toBeUndefined();
    for (const value of [null, 7, ['ann'], {}])
      expect(outcome({ [name]: value })).toEqual(['claims', `${name} is not a string`]);
  });

  it('cnf is an object, or left out', () => {
    for (const cnf of [undefined, {}, { jkt: 7 }]) expect(outcome({ cnf })).toBeUndefined();
    for (const cnf of [null, 'jkt', [], true])
      expect(outcome({ cnf })).toEqual(['claims', 'cnf is not an object']);
  });
});

it.each<[iss: unknown, detail: string | undefined]>([
  ['https://issuer.example', undefined],
  [undefined, 'iss is missing'],
  [null, 'iss is null, expected "https://issuer.example"'],
  [['https://issuer.example'], 'iss is ["https://issuer.example"], expected "https://issuer.example"'],
  ['https://Issuer.example', 'iss is "https://Issuer.example", expected "https://issuer.example"'],
  [
    'https://issuer.example/',
    'iss is "https://issuer.example/", expected "https://issuer.example": differs by a trailing slash',
  ],
])('iss %j', (iss, detail) => {
  expect(outcomeOf(() => checkIssuer(iss, 'https://issuer.example'))).toEqual(detail && ['issuer', detail]);
});

it('only a text differs by a trailing slash', () => {
  const slashed = 'https://issuer.example/';
  const hint = ', expected "https://issuer.example/"';
  expect(outcomeOf(() => checkIssuer('https://issuer.example', slashed))?.[1]).toBe(
    `iss is "https://issuer.example"${hint}: differs by a trailing slash`,
  );
  expect(outcomeOf(() => checkIssuer(['https://issuer.example'], slashed))?.[1]).toBe(
    `iss is ["https://issuer.example"]${hint}`,
  );
});
