/**
 * The tests that judge a folder: its unit tests, and those end-to-end tests without which its rules are not tested. A slow
 * file is run for every mutant that survives the others.
 */
export const TESTS = {
  jose: ['test/unit/jose/**/*.spec.ts', 'test/vectors/*.spec.ts'],
  token: ['test/unit/token/**/*.spec.ts'],
  binding: ['test/unit/binding/**/*.spec.ts'],
  access: ['test/unit/access/**/*.spec.ts'],
  policy: ['test/unit/policy/**/*.spec.ts'],
  guard: ['test/unit/guard/**/*.spec.ts'],
};
