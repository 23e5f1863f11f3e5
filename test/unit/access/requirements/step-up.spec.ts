/** How strongly and how recently the user signed in. RFC 9470. */
import type { AccessContext } from '../../../../lib/access/requirement.js';
import { StepUp, StepUpRequirement } from '../../../../lib/access/requirements/step-up.js';
import { TokenError } from '../../../../lib/errors/auth.errors.js';
import { contextWith, declaredBy, tokenWith } from '../../../support/requirements.js';

type StepUpMembers = ConstructorParameters<typeof StepUpRequirement>[0];

const NOW = 1_800_000_000;

function denial(
  stepUp: StepUpMembers,
  claims: Record<string, unknown>,
  context: Partial<AccessContext> = {},
): TokenError | undefined {
  return new StepUpRequirement(stepUp).check(
    tokenWith(claims),
    contextWith({ now: NOW, clockTolerance: 5, ...context }),
  );
}

describe('acr', () => {
  const acrValues = ['gold', 'silver'];

  it.each(['gold', 'silver'])('%s is one of them', (acr) => {
    expect(denial({ acrValues }, { acr })).toBeUndefined();
  });

  it.each<[acr: unknown, quoted: string]>([
    ['bronze', '"bronze"'],
    ['', '""'],
    [['gold'], '["gold"]'],
    [undefined, 'undefined'],
    [null, 'null'],
  ])('%j is none of them', (acr, quoted) => {
    expect(denial({ acrValues }, { acr })?.detail).toBe(`acr is ${quoted}, needs "gold" or "silver"`);
  });

  it('is not looked at where only the age counts, nor auth_time where only acr does', () => {
    expect(denial({ maxAge: 60 }, { auth_time: NOW })).toBeUndefined();
    expect(denial({ acrValues }, { acr: 'gold', auth_time: 'yesterday' })).toBeUndefined();
  });
});

describe('auth_time', () => {
  const at = (seconds: number, maxAge = 60, clockTolerance = 5): string | undefined =>
    denial({ maxAge }, { auth_time: NOW + seconds }, { clockTolerance })?.detail;

  it('is at most so many seconds ago, with the leeway of clockTolerance', () => {
    expect([at(0), at(-60), at(-65)]).toEqual([undefined, undefined, undefined]);
    expect(at(-65.9)).toBe('the user signed in 65 s ago, at most 60 s are allowed');
    expect(at(-66)).toBe('the user signed in 66 s ago, at most 60 s are allowed');
  });

  it('may be now and nothing else with 0', () => {
    expect([at(0, 0, 0), at(-5, 0)]).toEqual([undefined, undefined]);
    expect(at(-1, 0, 0)).toBe('the user signed in 1 s ago, at most 0 s are allowed');
  });

  it('may be in the future by the leeway', () => {
    expect([at(1), at(5)]).toEqual([undefined, undefined]);
    expect(at(5.5)).toBe('auth_time is 6 s in the future: check the clocks');
    expect(at(6)).toBe('auth_time is 6 s in the future: check the clocks');
  });

  it('has a leeway of at most 60 seconds', () => {
    expect([at(-120, 60, 300), at(60, 60, 300)]).toEqual([undefined, undefined]);
    expect(at(-121, 60, 300)).toBe('the user signed in 121 s ago, at most 60 s are allowed');
    expect(at(61, 60, 300)).toBe('auth_time is 61 s in the future: check the clocks');
  });

  it.each<[authTime: unknown, quoted: string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [String(NOW), `"${NOW}"`],
    [[NOW], `[${NOW}]`],
    [true, 'true'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
  ])('%p is no time', (authTime, quoted) => {
    expect(denial({ maxAge: 60 }, { auth_time: authTime })?.detail).toBe(
      `auth_time is ${quoted}, not a time`,
    );
  });

  it('is looked at after acr, and must hold as well', () => {
    const both = { acrValues: ['gold'], maxAge: 60 };
    expect(denial(both, { acr: 'gold', auth_time: NOW })).toBeUndefined();
    expect(denial(both, { acr: 'tin', auth_time: NOW - 99 })?.detail).toBe('acr is "tin", needs "gold"');
    expect(denial(both, { acr: 'gold', auth_time: NOW - 99 })?.detail).toMatch(
      /^the user signed in 99 s ago/,
    );
  });
});

describe('the challenge', () => {
  it.each<[stepUp: StepUpMembers, parameters: string[][]]>([
    [{ acrValues: ['gold', 'silver'] }, [['acr_values', 'gold silver']]],
    [{ maxAge: 0 }, [['max_age', '0']]],
    [
      { acrValues: ['gold'], maxAge: 60 },
      [
        ['acr_values', 'gold'],
        ['max_age', '60'],
      ],
    ],
  ])('of %j says %j', (stepUp, parameters) => {
    const error = denial(stepUp, {}, { scopes: ['pay'] });
    expect(error).toMatchObject({ code: 'insufficient_user_authentication', status: 401, scopes: ['pay'] });
    expect(error?.challengeParameters).toEqual([
      ['error', 'insufficient_user_authentication'],
      ['error_description', 'The caller must sign in again, as the challenge requires'],
      ...parameters,
      ['scope', 'pay'],
    ]);
  });
});

it.each<[stepUp: StepUpMembers, said: string]>([
  [{ acrValues: ['gold', 'silver'] }, 'sign-in with acr gold or silver'],
  [{ maxAge: 0 }, 'sign-in at most 0 s ago'],
  [{ acrValues: ['gold'], maxAge: 60 }, 'sign-in with acr gold at most 60 s ago'],
])('%j is described: %s', (stepUp, said) => {
  expect(new StepUpRequirement(stepUp).describe()).toBe(said);
});

describe('on class and handler', () => {
  const joined = (first: StepUpMembers, second: StepUpMembers): StepUpMembers =>
    new StepUpRequirement(first).combine(new StepUpRequirement(second)).stepUp;

  it.each<[first: StepUpMembers, second: StepUpMembers, both: StepUpMembers]>([
    [{ maxAge: 60 }, { maxAge: 600 }, { maxAge: 60 }],
    [{ acrValues: ['a'] }, { maxAge: 0 }, { acrValues: ['a'], maxAge: 0 }],
    [{ acrValues: ['a'] }, { acrValues: ['b', 'a'] }, { acrValues: ['a'] }],
    [
      { acrValues: ['a', 'b', 'c'] },
      { acrValues: ['c', 'a'], maxAge: 5 },
      { acrValues: ['a', 'c'], maxAge: 5 },
    ],
  ])('%j and %j hold together as %j', (first, second, both) => {
    const members = (each: StepUpMembers): readonly string[] => Object.keys(each).toSorted();
    expect(joined(first, second)).toEqual(both);
    expect(members(joined(first, second))).toEqual(members(both));
    const turned = joined(second, first);
    expect({ ...turned, acrValues: turned.acrValues?.toSorted() }).toEqual({
      ...both,
      acrValues: both.acrValues?.toSorted(),
    });
  });

  it('have no acr value in common: says what is wrong', () => {
    expect(() => joined({ acrValues: ['a'] }, { acrValues: ['b'] })).toThrow(
      '@StepUp() of class and handler have no acr value in common, so no token can satisfy both',
    );
  });
});

describe('@StepUp()', () => {
  it('requires what it is told, and keeps it as it was', () => {
    const acrValues: [string, ...string[]] = ['gold'];
    const { stepUp } = declaredBy(StepUp({ acrValues, maxAge: 60 })) as StepUpRequirement;
    acrValues.push('tin');
    expect(stepUp).toEqual({ acrValues: ['gold'], maxAge: 60 });
    expect(Object.isFrozen(stepUp.acrValues)).toBe(true);
    expect(Object.keys((declaredBy(StepUp({ maxAge: 0 })) as StepUpRequirement).stepUp)).toEqual(['maxAge']);
    expect(Object.keys((declaredBy(StepUp({ acrValues: ['a'] })) as StepUpRequirement).stepUp)).toEqual([
      'acrValues',
    ]);
  });

  it('is checked anew for every request where a sign-in ages', () => {
    const isVolatile = (stepUp: StepUpMembers): boolean => new StepUpRequirement(stepUp).isVolatile;
    expect([isVolatile({ maxAge: 0 }), isVolatile({ acrValues: ['a'] })]).toEqual([true, false]);
  });

  it.each<[options: unknown, message: string]>([
    [undefined, '@StepUp() needs acrValues, maxAge or both'],
    [{}, '@StepUp() needs acrValues, maxAge or both'],
    [{ maxAge: 5, acrvalues: ['gold'] }, '@StepUp(): acrvalues is not an option'],
    [{ maxAge: -1 }, '@StepUp(): maxAge -1 is not a whole number of seconds'],
    [{ maxAge: 1.5 }, '@StepUp(): maxAge 1.5 is not a whole number of seconds'],
    [{ maxAge: '5' }, '@StepUp(): maxAge 5 is not a whole number of seconds'],
    [{ acrValues: [] }, '@StepUp(): acrValues [] is not a list of values without spaces'],
    [{ acrValues: 'gold' }, '@StepUp(): acrValues "gold" is not a list of values without spaces'],
    [
      { acrValues: ['gold', 'a b'] },
      '@StepUp(): acrValues ["gold","a b"] is not a list of values without spaces',
    ],
    [{ acrValues: [7] }, '@StepUp(): acrValues [7] is not a list of values without spaces'],
  ])('refuses %j', (options, message) => {
    expect(() => StepUp(options as never)).toThrow(new TypeError(message));
  });
});
