/** A schedule: what happens to a provider and to the clocks, one thing after another. Plain data, found again by its seed. */
import * as fc from 'fast-check';
import { PLATFORMS } from './app.js';

/** Caches of the application under test are fresh this long, in seconds. */
export const FRESH = 60;

const LONG_OUTAGE = 3 * 86_400;

/** What breaks together: mostly everything. */
const endpoints = fc.oneof(
  { weight: 4, arbitrary: fc.constant(['discovery', 'jwks', 'introspection']) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(['jwks'], ['discovery'], ['introspection'], ['discovery', 'jwks']),
  },
);

const step = (fault) =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        fail: fc.constant(fault),
        endpoints: fault === 'refused' ? fc.constant(undefined) : endpoints,
      }),
    },
    { weight: 4, arbitrary: fc.constant({ heal: true }) },
    { weight: 6, arbitrary: fc.record({ advance: fc.constantFrom(1, 13, 40, FRESH + 1, FRESH + 40, 4000) }) },
    { weight: 1, arbitrary: fc.constant({ advance: LONG_OUTAGE }) },
    { weight: 2, arbitrary: fc.record({ jump: fc.constantFrom(-10_000, -1000, 1000, 10_000) }) },
    { weight: 3, arbitrary: fc.constant({ rotate: true }) },
    { weight: 2, arbitrary: fc.constant({ withdraw: true }) },
    { weight: 1, arbitrary: fc.constant({ revoke: true }) },
    { weight: 3, arbitrary: fc.constant({ signOut: true }) },
    { weight: 2, arbitrary: fc.record({ storeFails: fc.boolean() }) },
    { weight: 1, arbitrary: fc.constant({ flood: 40 }) },
    { weight: 1, arbitrary: fc.record({ rotate: fc.constant(true), flood: fc.constantFrom(40, 500) }) },
  );

/** @param {string} fault the kind that this schedule is about */
export const scheduleOf = (fault) =>
  fc.record({
    platform: fc.constantFrom(...PLATFORMS),
    downAtStart: fc.boolean(),
    steps: fc.array(step(fault), { minLength: 4, maxLength: 12, size: 'max' }),
  });
