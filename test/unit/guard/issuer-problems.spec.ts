/** What a route asks of issuers and audiences, and the configuration does not have. */
import { issuerProblems } from '../../../lib/guard/issuer-problems.js';
import type { ResolvedOptions } from '../../../lib/options/auth-options.js';
import type { RoutePolicy } from '../../../lib/policy/route-policy.js';

const STAFF = { name: 'staff', issuer: 'https://staff.example', audience: 'https://a', clientId: 'api' };
const GUESTS = { name: 'guests', issuer: 'https://guests.example', audience: ['https://b', 'https://c'] };

function problemsOf(
  policy: Partial<RoutePolicy>,
  options: object = { issuers: [STAFF, GUESTS] },
  validatesTokens = true,
): readonly string[] {
  return issuerProblems(
    { issuers: [], ...policy } as RoutePolicy,
    options as ResolvedOptions,
    validatesTokens,
  );
}

const HOW_TO_INTROSPECT = '@Introspect() requires introspection: configure clientId and clientSecret';
const NO_COMMON_ISSUER =
  '@Issuers() of class and handler have no issuer in common, so no token would be accepted';

describe('where all issuers are configured', () => {
  it('a route that asks for nothing has no problem', () => {
    expect(problemsOf({})).toEqual([]);
  });

  it('an issuer may be named by its name or as it is configured', () => {
    expect(problemsOf({ issuers: [['staff', 'https://guests.example'], ['guests']] })).toEqual([]);
  });

  it('each issuer that is not configured is named', () => {
    expect(problemsOf({ issuers: [['staff', 'nobody'], ['others']] })).toEqual([
      '@Issuers(): no issuer "nobody" is configured',
      '@Issuers(): no issuer "others" is configured',
    ]);
  });

  it('class and handler need an issuer in common', () => {
    expect(problemsOf({ issuers: [['staff'], ['guests']] })).toEqual([NO_COMMON_ISSUER]);
    // Nothing more is said of a route that accepts no token.
    expect(
      problemsOf({ issuers: [['staff'], ['guests']], audience: 'https://x', introspectMaxAge: 0 }),
    ).toEqual([NO_COMMON_ISSUER]);
  });

  it.each(['https://a', 'https://b', 'https://c'])('an issuer has the audience %s', (audience) => {
    expect(problemsOf({ audience })).toEqual([]);
  });

  it('an audience counts that an issuer of the route has', () => {
    const problem = '@Audience(): no issuer is configured with the audience "https://a"';
    expect(problemsOf({ issuers: [['guests']], audience: 'https://a' })).toEqual([problem]);
    expect(problemsOf({ issuers: [['staff']], audience: 'https://a' })).toEqual([]);
    // None has a part of it.
    expect(problemsOf({ audience: 'https://' })).toEqual([
      '@Audience(): no issuer is configured with the audience "https://"',
    ]);
  });

  it('@Introspect() needs introspection of every issuer of the route', () => {
    expect(problemsOf({ introspectMaxAge: 0 })).toEqual([`${HOW_TO_INTROSPECT} for "guests"`]);
    expect(problemsOf({ introspectMaxAge: 0, issuers: [['staff']] })).toEqual([]);
    const silent = { ...STAFF, clientId: undefined };
    expect(problemsOf({ introspectMaxAge: 10 }, { issuers: [silent, GUESTS] })).toEqual([
      `${HOW_TO_INTROSPECT} for "staff", "guests"`,
    ]);
    expect(problemsOf({ introspectMaxAge: 10 }, { issuers: [silent] })).toEqual([HOW_TO_INTROSPECT]);
    expect(problemsOf({}, { issuers: [silent] })).toEqual([]);
  });

  it('every problem is told', () => {
    expect(problemsOf({ audience: 'https://x', introspectMaxAge: 0 })).toEqual([
      '@Audience(): no issuer is configured with the audience "https://x"',
      `${HOW_TO_INTROSPECT} for "guests"`,
    ]);
  });
});

const named = { issuers: [], findIssuer: () => undefined };

it.each<[string, object, boolean]>([
  ['where the application finds issuers at the request', named, true],
  ['where a test has replaced the guard', { issuers: [GUESTS] }, false],
])('%s, nothing is known of issuers and audiences at start', (_, options, validatesTokens) => {
  const asks = { issuers: [['nobody']], audience: 'https://x' };
  expect(problemsOf(asks, options, validatesTokens)).toEqual([]);
  expect(problemsOf({ ...asks, introspectMaxAge: 0 }, options, validatesTokens)).toEqual([HOW_TO_INTROSPECT]);
  for (const client of [{ clientId: 'api' }, { opaqueTokenIssuer: () => 'staff' }])
    expect(problemsOf({ ...asks, introspectMaxAge: 0 }, { ...options, ...client }, validatesTokens)).toEqual(
      [],
    );
});
