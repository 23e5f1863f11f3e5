/** Project Wycheproof, json_web_encryption_test.json: an encrypted token is none that is validated here, good or not. */
import { judgeEncoding, checkHeader, checkSignature, type Jwk } from './check-vector.js';
import { readWycheproof } from './read-vectors.js';

const { numberOfTests, groups } = readWycheproof('json_web_encryption_test.json');
const rows = groups.flatMap(({ published, tests }) => tests.map((test) => ({ ...test, published })));

it('reads every vector', () => {
  const ids = new Set(rows.map(({ tcId }) => tcId));
  expect([numberOfTests, rows.length, ids.size]).toEqual([139, 139, 139]);
});

describe('Wycheproof encryption: not a JWS', () => {
  it.each(rows)('$tcId $comment: $result, refused', async ({ text, published }) => {
    expect(await judgeEncoding(text)).toBe('the token does not have three parts');
    expect((await checkSignature(text, published)).refusal).toBe('the token does not have three parts');
  });
});

/** With two parts less it would still be refused: no algorithm of JWE (RFC 7518 section 4.1) is one for signatures. */
describe('Wycheproof encryption: not an algorithm for signatures', () => {
  const headers = rows.flatMap((row) => {
    const header = readHeader(row.text);
    return header ? [{ ...row, header, alg: String(header['alg']) }] : [];
  });

  it('reads the header of all but those that have none', () => {
    expect(headers).toHaveLength(134);
  });

  it.each(headers)('$tcId $comment: $alg', async ({ header }) => {
    expect(await checkHeader(header)).toMatch(/^alg .+ is not accepted$/);
  });
});

function readHeader(text: string): Jwk | undefined {
  try {
    return JSON.parse(Buffer.from(text.split('.')[0] ?? '', 'base64url').toString()) as Jwk;
  } catch {
    return undefined;
  }
}
