/** Arguments that can never hold, or that a challenge cannot carry, are refused where the decorator stands. */
import { AnyScope, RequireClaims, requireScopes, Scopes, StepUp } from 'nestjs-resource-server';
import { accessOf } from '../../../lib/access/authorize.js';
import { StepUpRequirement } from '../../../lib/access/requirements/step-up.js';
import { ConfigurationError } from '../../../lib/errors/auth.errors.js';

const call = (decorator: unknown, ...args: unknown[]): unknown =>
  (decorator as (...args: unknown[]) => unknown)(...args);

describe('decorators refuse', () => {
  it.each([
    ['@Scopes, none', () => call(Scopes)],
    ['@Scopes, undefined', () => call(Scopes, undefined)],
    ['@AnyScope, none', () => call(AnyScope)],
    ['@AnyScope, two in one', () => call(AnyScope, 'a b')],
    ['@AnyScope, a quote', () => call(AnyScope, 'a"b')],
    ['@AnyScope, a backslash', () => call(AnyScope, 'a\\b')],
    ['@AnyScope, beyond ASCII', () => call(AnyScope, 'schön')],
    ['@StepUp, nothing', () => call(StepUp)],
    ['@StepUp, neither', () => call(StepUp, {})],
    ['@StepUp, a misspelt option', () => call(StepUp, { maxAge: 5, acrvalues: ['gold'] })],
    ['@StepUp, no value', () => call(StepUp, { acrValues: [] })],
    ['@StepUp, a string for a list', () => call(StepUp, { acrValues: 'gold' })],
    ['@StepUp, a value with a space', () => call(StepUp, { acrValues: ['gold silver'] })],
    ['@StepUp, a negative age', () => call(StepUp, { maxAge: -1 })],
    ['@StepUp, a fraction', () => call(StepUp, { maxAge: 1.5 })],
    ['@StepUp, no number', () => call(StepUp, { maxAge: '300' })],
    ['@StepUp, NaN', () => call(StepUp, { maxAge: NaN })],
    ['@RequireClaims, nothing', () => call(RequireClaims)],
    ['@RequireClaims, no claim', () => call(RequireClaims, {})],
    ['@RequireClaims, no name', () => call(RequireClaims, { '': 1 })],
    ['@RequireClaims, undefined', () => call(RequireClaims, { plan: undefined })],
    ['@RequireClaims, null', () => call(RequireClaims, { plan: null })],
    ['@RequireClaims, an empty list', () => call(RequireClaims, { plan: [] })],
    ['@RequireClaims, a list in a list', () => call(RequireClaims, { plan: [['pro']] })],
    ['@RequireClaims, NaN', () => call(RequireClaims, { age: NaN })],
    ['@RequireClaims, an empty parameter', () => call(RequireClaims, { id: { param: '' } })],
    ['@RequireClaims, another object', () => call(RequireClaims, { id: { param: 'id', or: 1 } })],
    ['requireScopes, none', () => call(requireScopes, {})],
  ])('%s', (_name, use) => {
    expect(use).toThrow(TypeError);
  });
});

describe('@StepUp on class and handler', () => {
  const joined = (...all: StepUpRequirement[]): unknown =>
    (accessOf({ requirements: all }).requirements[0] as StepUpRequirement).stepUp;

  it('takes the smaller age and the values in common', () => {
    expect(
      joined(
        new StepUpRequirement({ acrValues: ['a', 'b'], maxAge: 600 }),
        new StepUpRequirement({ acrValues: ['c', 'b'], maxAge: 60 }),
      ),
    ).toEqual({ acrValues: ['b'], maxAge: 60 });
    expect(joined(new StepUpRequirement({ maxAge: 0 }), new StepUpRequirement({ acrValues: ['a'] }))).toEqual(
      {
        acrValues: ['a'],
        maxAge: 0,
      },
    );
  });

  it('cannot hold with no value in common', () => {
    expect(() =>
      joined(new StepUpRequirement({ acrValues: ['a'] }), new StepUpRequirement({ acrValues: ['b'] })),
    ).toThrow(ConfigurationError);
  });
});
