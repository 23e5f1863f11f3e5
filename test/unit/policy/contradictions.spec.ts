/** Declarations that cannot hold together, within one place and along a chain. */
import { ConfigurationError } from '../../../lib/errors/auth.errors.js';
import { isOpening, isRequirement, refuseContradictions } from '../../../lib/policy/contradictions.js';
import type { Declaration } from '../../../lib/policy/declarations.js';

const OPEN: Declaration = { kind: 'public' };
const OPTIONAL: Declaration = { kind: 'optional' };
const SCOPES: Declaration = { kind: 'requirement', requirement: { kind: 'scopes', decorator: '@Scopes()' } };
const BOUND: Declaration = { kind: 'certificate-bound' };

/** The most derived first. */
const check =
  (...levels: readonly (readonly Declaration[])[]) =>
  (): void =>
    refuseContradictions(levels.map((declarations, index) => ({ place: `Level${index}`, declarations })));

it('an opening is no requirement, and everything else is one', () => {
  expect([OPEN, OPTIONAL, SCOPES, BOUND].map(isOpening)).toEqual([true, true, false, false]);
  expect([OPEN, OPTIONAL, SCOPES, BOUND].map(isRequirement)).toEqual([false, false, true, true]);
});

it.each<[string, readonly (readonly Declaration[])[]]>([
  ['nothing', [[], []]],
  ['an opening alone', [[OPEN]]],
  ['the same opening twice', [[OPEN, OPEN]]],
  ['optional beside a requirement', [[OPTIONAL, SCOPES]]],
  ['requirements', [[SCOPES, BOUND], [SCOPES]]],
  ['a requirement over an opening', [[SCOPES], [OPEN]]],
  ['an opening over openings', [[OPEN], [OPTIONAL], [OPEN]]],
])('can hold together: %s', (_, levels) => {
  expect(check(...levels)).not.toThrow();
});

it.each<[string, readonly (readonly Declaration[])[], string]>([
  [
    'public beside a requirement',
    [[OPEN, BOUND]],
    'Level0: @Public() requires no token, @CertBound() requires one; remove one of them',
  ],
  [
    'public beside optional',
    [[OPTIONAL, OPEN]],
    'Level0: @Public() requires no token, @OptionalAuth() requires one; remove one of them',
  ],
  [
    'public beside both: the requirement is named',
    [[OPTIONAL, OPEN, SCOPES]],
    'Level0: @Public() requires no token, @Scopes() requires one; remove one of them',
  ],
  [
    'on a level that others cover',
    [[SCOPES], [OPEN, BOUND]],
    'Level1: @Public() requires no token, @CertBound() requires one; remove one of them',
  ],
  [
    'public over a requirement',
    [[OPEN], [SCOPES]],
    'Level0: @Public() opens what @Scopes() on Level1 protects; inheritance can add requirements, never remove them',
  ],
  [
    'optional over a requirement, with a level between',
    [[SCOPES], [BOUND, OPTIONAL], [], [OPEN], [SCOPES, BOUND]],
    'Level1: @OptionalAuth() opens what @Scopes() on Level4 protects; inheritance can add requirements, never remove them',
  ],
])('cannot hold together: %s', (_, levels, message) => {
  expect(check(...levels)).toThrow(ConfigurationError);
  expect(check(...levels)).toThrow(message);
});
