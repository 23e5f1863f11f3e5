/** Tokens to try: a good one, spoilt in no, one or a few places. A recipe is plain data, so that a seed finds it again. */
import * as fc from 'fast-check';

const NAMES = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'scope',
  'scp',
  'groups',
  'client_id',
  'cnf',
  'nonce',
];
const HEADERS = ['alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'cty', 'zip', 'enc', 'p2c'];
const ALGS = [
  'none',
  'None',
  'HS256',
  'RS256',
  'PS256',
  'ES256',
  'ES384',
  'ES256K',
  'EdDSA',
  'Ed25519',
  'RS1',
  'dir',
  '',
];

/** Times are told as distances from now, and keep away from the edges that the clock of a slow run would cross. */
const moment = fc
  .constantFrom(-1e9, -4000, -400, -200, -1, 0, 1, 200, 400, 4000, 1e9, 1e12, 0.5, -399.5)
  .map((distance) => ({ $in: distance }));

export const strange = fc.oneof(
  { weight: 3, arbitrary: moment },
  {
    weight: 2,
    arbitrary: fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, '', ' ', [], {}, '\ud800', '\u0000'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      { $issuer: '' },
      { $issuer: '/' },
      { $issuer: 'x' },
      { $audience: '' },
      { $audience: '/' },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ jkt: 'x' }, { 'x5t#S256': 'A'.repeat(43) }, { jwk: {} }, { $jkt: true }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'staff',
      ['staff'],
      [{ name: 'staff' }],
      'read:things',
      ['read:things'],
      'read:thing',
    ),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 200 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 90 }).map((depth) => ({ $nested: depth })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 5 }).map((size) => ({ $long: 10 ** size })) },
  { weight: 1, arbitrary: fc.constant({ $undefined: true }) },
);

const audienceList = fc
  .array(fc.oneof(fc.constant({ $audience: '' }), fc.string(), fc.jsonValue({ maxDepth: 1 })), {
    maxLength: 4,
  })
  .map((list) => ['aud', list]);

const claim = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('exp', 'nbf', 'iat'), moment) },
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...NAMES), strange) },
  { weight: 1, arbitrary: audienceList },
  { weight: 1, arbitrary: fc.tuple(fc.string({ maxLength: 12 }), strange) },
);

const headerMember = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constant('alg'), fc.constantFrom(...ALGS)) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constant('kid'),
      fc.oneof(
        fc.nat(9).map((key) => ({ $kid: key })),
        strange,
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('typ'),
      fc.constantFrom('JWT', 'jwt', 'AT+JWT', 'application/at+jwt', 'dpop+jwt', 'JOSE'),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...HEADERS), strange) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(['jwk', { $jwk: true }], ['jku', { $issuer: '/jwks' }], ['crit', ['exp']]),
  },
);

/** What an object cannot say: the JSON text itself, of the header (0) or the payload (1). */
export const text = fc.record({
  part: fc.nat(1),
  how: fc.constantFrom(
    'twice',
    'twice-before',
    'proto',
    'escaped',
    'spaced',
    'bom',
    'trailing',
    'latin1',
    'array',
    'cut',
  ),
  name: fc.constantFrom(...NAMES, ...HEADERS),
});

const signing = fc.oneof(
  { weight: 12, arbitrary: fc.constant('right') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'stranger',
      'stranger',
      'hmac',
      'none',
      'der',
      'zero',
      'negated',
      'for-encryption',
    ),
  },
  { weight: 1, arbitrary: fc.nat(9).map((key) => ({ key })) },
);

/** Changes of the finished token: characters, in one of its parts or anywhere. */
const scratch = fc.record({
  part: fc.constantFrom(0, 1, 2, 'all'),
  how: fc.constantFrom(
    'flip',
    'drop',
    'insert',
    'cut',
    'pad',
    'base64',
    'spare-bits',
    'splice',
    'empty',
    'dot',
    'double',
  ),
  at: fc.integer({ min: 0, max: 999 }),
  with: fc.integer({ min: 0x21, max: 0xff }),
});

const mostly = (arbitrary, maxLength = 3) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength }) },
  );

export const tokenRecipe = fc.record({
  key: fc.oneof({ weight: 5, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(5) }),
  header: mostly(headerMember, 2),
  claims: mostly(claim),
  text: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(text) }),
  signing,
  scratches: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(scratch, { minLength: 1, maxLength: 2 }) },
  ),
});
