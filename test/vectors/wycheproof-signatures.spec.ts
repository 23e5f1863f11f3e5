/** Project Wycheproof, json_web_signature_test.json: every vector, against the key of its group as the issuer's. */
import { judgeEncoding, checkSignature, NOT_CLAIMS, type Jwk } from './check-vector.js';
import { readWycheproof, type Vector } from './read-vectors.js';

const { numberOfTests, groups } = readWycheproof('json_web_signature_test.json');
const asymmetric = groups.filter((group) => !group.isSymmetric);
const symmetric = groups.filter((group) => group.isSymmetric);

/**
 * Marked as valid, refused here: the `alg` of the JWK is another than that of the header ("PS256" for PS384), or no
 * algorithm at all ("ES521"). RFC 7517 section 4.4, RFC 8725 section 3.1: a key is for one algorithm. The same file family
 * wants such keys refused elsewhere (json_web_key_test.json, tests 19 and 20). The signatures themselves are good.
 */
const KEY_FOR_ANOTHER_ALGORITHM: ReadonlySet<number> = new Set([346, 347, 350, 351]);
/** Refused for the key's `use` or `key_ops` only. */
const KEY_FOR_ENCRYPTION: ReadonlySet<number> = new Set([353, 354, 355, 356]);

const isGood = ({ result, tcId }: Vector): boolean =>
  result === 'valid' && !KEY_FOR_ANOTHER_ALGORITHM.has(tcId);

it('reads every vector, each as valid or invalid', () => {
  const tests = groups.flatMap((group) => group.tests);
  expect([numberOfTests, tests.length, new Set(tests.map(({ tcId }) => tcId)).size]).toEqual([401, 401, 401]);
  expect(tests.filter(({ result }) => result === 'acceptable')).toEqual([]);
});

describe.each(asymmetric)('Wycheproof signatures: $title', ({ published, tests }) => {
  const rows = tests.map((test) => ({ ...test, verdict: isGood(test) ? 'accepted' : 'refused' }));

  it.each(rows)('$tcId $comment: $result, $verdict', async ({ text, verdict }) => {
    const { refusal, unusable } = await checkSignature(text, published);
    expect([refusal === undefined ? 'accepted' : 'refused', refusal]).toEqual([
      verdict,
      verdict === 'accepted' ? undefined : expect.stringMatching(/./),
    ]);
    expect(unusable).toEqual([]);
  });
});

describe('Wycheproof signatures: a good signature over something that is no claims set makes no token', () => {
  it.each(asymmetric.flatMap(({ tests }) => tests.filter(isGood)))('$tcId $comment', async ({ text }) => {
    expect(await judgeEncoding(text)).toMatch(NOT_CLAIMS);
  });
});

describe('Wycheproof signatures: what the key says of itself is the only reason to refuse', () => {
  const rows = asymmetric.flatMap(({ published, tests }) =>
    tests
      .filter(({ tcId }) => KEY_FOR_ANOTHER_ALGORITHM.has(tcId) || KEY_FOR_ENCRYPTION.has(tcId))
      .map((test) => ({ ...test, published })),
  );

  it('knows them all', () => {
    expect(rows).toHaveLength(KEY_FOR_ANOTHER_ALGORITHM.size + KEY_FOR_ENCRYPTION.size);
  });

  it.each(rows)('$tcId $comment', async ({ text, published }) => {
    const refused = await checkSignature(text, published);
    expect(refused.refusal).toMatch(/^no key of the issuer matches/);
    const silent = published.map(({ alg: _alg, use: _use, key_ops: _ops, ...key }: Jwk) => key);
    expect(await checkSignature(text, silent)).toEqual({ refusal: undefined, unusable: [] });
  });
});

/** HMAC, valid or not: no algorithm for access tokens here, even if the issuer publishes the secret (RFC 8725 section 3.1). */
describe.each(symmetric)('Wycheproof signatures, HMAC: $title', ({ published, tests }) => {
  it.each(tests)('$tcId $comment: $result, refused', async ({ text }) => {
    const { refusal } = await checkSignature(text, published);
    expect(refusal).toMatch(
      /^alg "(HS256|none)" is not accepted$|^the (header|payload|signature) is (empty|not base64url)$|three parts$/,
    );
  });
});

/** Their MACs are not looked at, but their encoding is: RFC 7515 section 2, base64url without any other character. */
describe('Wycheproof signatures: group base64', () => {
  const tests = groups.find(({ title }) => title.startsWith('base64'))?.tests ?? [];
  /** Marked as valid with a "?" in header or payload, which section 5.2 step 2 does not allow. */
  const strayCharacter: ReadonlySet<number> = new Set([372, 373]);
  /** Marked as invalid, yet the same text as the valid test 357: their padding got lost when the file was made. */
  const sameAsValid: ReadonlySet<number> = new Set([367, 370]);
  const rows = tests.map((test) => ({
    ...test,
    reading:
      sameAsValid.has(test.tcId) || (test.result === 'valid' && !strayCharacter.has(test.tcId))
        ? 'read'
        : 'not base64url',
  }));

  it('has 21 vectors, two of them twice', () => {
    expect(tests).toHaveLength(21);
    const valid = tests.find(({ tcId }) => tcId === 357);
    const doubles = tests.filter(({ tcId }) => sameAsValid.has(tcId));
    expect(doubles.map(({ text }) => text)).toEqual([valid?.text, valid?.text]);
  });

  it.each(rows)('$tcId $comment: $result, $reading', async ({ text, reading }) => {
    const { refusal } = await checkSignature(text, []);
    expect(refusal).toMatch(reading === 'read' ? /^alg "HS256"/ : /is not base64url$/);
  });
});
