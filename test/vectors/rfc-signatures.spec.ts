/** The examples of RFC 7515 (JWS), RFC 7520 (the JOSE cookbook) and RFC 8037 (Ed25519). */
import { readdirSync } from 'node:fs';
import { judgeEncoding, checkSignature, NOT_CLAIMS, type Jwk } from './check-vector.js';
import { verifiesPlainly } from './plain-crypto.js';
import { publicPart, readVectors } from './read-vectors.js';

interface Signed {
  readonly section: string;
  readonly title: string;
  readonly alg: string;
  readonly key: Jwk;
  readonly jws: string;
}

interface Unverifiable {
  readonly section: string;
  readonly title: string;
  readonly jws: unknown;
}

const rfc7515 = readVectors('rfc/rfc7515.json') as {
  readonly signed: readonly Signed[];
  readonly unsigned: readonly (Unverifiable & { readonly jws: string })[];
  readonly json: readonly Unverifiable[];
};

/** A file of the cookbook; sections 4.6 to 4.8 have no compact form. */
interface CookbookExample {
  readonly title: string;
  readonly input: { readonly key: Jwk | readonly Jwk[]; readonly alg: string | readonly string[] };
  readonly signing: { readonly 'sig-input': string; readonly sig: string } | readonly CookbookSignature[];
  readonly output: { readonly compact?: string; readonly json?: unknown; readonly json_flat?: unknown };
}

interface CookbookSignature {
  readonly 'sig-input': string;
  readonly sig: string;
}

const cookbook = [
  ...readdirSync('test/vectors/rfc/rfc7520')
    .toSorted()
    .map((name) => ({ rfc: `RFC 7520 section ${sectionOf(name)}`, file: `rfc/rfc7520/${name}` })),
  { rfc: 'RFC 8037 appendix A.4', file: 'rfc/rfc8037.json' },
].map(({ rfc, file }) => ({ section: rfc, ...(readVectors(file) as CookbookExample) }));

function sectionOf(file: string): string {
  return file.split('.')[0]?.replace('_', '.') ?? '';
}

/** Every signature of the cookbook with the key that made it; "detached" has the payload put back. */
const cookbookSigned: readonly Signed[] = cookbook.flatMap(({ section, title, input, signing }) => {
  const keys = [input.key].flat() as readonly Jwk[];
  const algs = [input.alg].flat();
  const signatures = [signing].flat() as readonly CookbookSignature[];
  return signatures.map((each, index) => ({
    section,
    title: signatures.length > 1 ? `${title}, signature ${index + 1}` : title,
    alg: algs[index] ?? '',
    key: publicPart(keys[index] ?? {}),
    jws: `${each['sig-input']}.${each.sig}`,
  }));
});

const signed = [
  ...rfc7515.signed.map((each) => ({ ...each, section: `RFC 7515 ${each.section}` })),
  ...cookbookSigned,
];
/** Without a protected header the signing input begins with a dot: no compact serialization can say that. */
const compact = signed.filter(({ jws }) => !jws.startsWith('.'));
const asymmetric = compact.filter(({ alg }) => alg !== 'HS256');

describe('the examples are copied as they stand', () => {
  it('all of them', () => {
    expect(cookbook).toHaveLength(9);
    expect([signed.length, compact.length, asymmetric.length]).toEqual([15, 13, 8]);
  });

  it.each(signed)('$section $title: $alg verifies with node:crypto alone', ({ alg, key, jws }) => {
    expect(verifiesPlainly(alg, key, jws)).toBe(true);
  });
});

describe('good signatures', () => {
  it.each(asymmetric)('$section $title: $alg accepted', async ({ key, jws }) => {
    expect(await checkSignature(jws, [key])).toEqual({ refusal: undefined, unusable: [] });
  });

  it.each(asymmetric)(
    '$section $title: $alg refused, with the last bit of the hash spoilt',
    async ({ key, jws }) => {
      const dot = jws.lastIndexOf('.');
      const signature = Buffer.from(jws.slice(dot + 1), 'base64url');
      signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
      const spoilt = `${jws.slice(0, dot)}.${signature.toString('base64url')}`;
      expect((await checkSignature(spoilt, [key])).refusal).toBeDefined();
    },
  );

  it.each(asymmetric)('$section $title: $alg refused with the keys of all others', async ({ key, jws }) => {
    const others = asymmetric
      .map((each) => each.key)
      .filter((each) => each['x'] !== key['x'] || each['n'] !== key['n']);
    expect(others.length).toBeGreaterThan(0);
    expect((await checkSignature(jws, others)).refusal).toBeDefined();
  });
});

describe('tokens: claims are JSON objects', () => {
  const isClaims = ({ section }: Signed): boolean => /^RFC 7515 A\.[123]$/.test(section);

  it.each(compact.filter(isClaims))('$section $title is one', async ({ jws }) => {
    expect(await judgeEncoding(jws)).toBeUndefined();
  });

  it.each(compact.filter((each) => !isClaims(each)))('$section $title is none', async ({ jws }) => {
    expect(await judgeEncoding(jws)).toMatch(NOT_CLAIMS);
  });
});

describe('refused by algorithm, whatever the issuer publishes', () => {
  it.each(compact.filter(({ alg }) => alg === 'HS256'))('$section $title: $alg', async ({ key, jws }) => {
    expect((await checkSignature(jws, [key])).refusal).toBe('alg "HS256" is not accepted');
  });

  it.each(rfc7515.unsigned)('RFC 7515 $section $title', async ({ jws }) => {
    const published = asymmetric.map(({ key }) => key);
    expect((await checkSignature(jws, published)).refusal).toBe('alg "none" is not accepted');
  });
});

describe('refused, for not being compact', () => {
  const json = [
    ...rfc7515.json.map((each) => ({ ...each, section: `RFC 7515 ${each.section}` })),
    ...cookbook.flatMap(({ section, title, output }) => [
      { section, title: `${title}, general`, jws: output.json },
      { section, title: `${title}, flattened`, jws: output.json_flat },
    ]),
  ].filter(({ jws }) => jws !== undefined);

  it('has all of them', () => {
    expect(json).toHaveLength(19);
  });

  it.each(json)('$section $title', async ({ jws }) => {
    const published = asymmetric.map(({ key }) => key);
    const { refusal } = await checkSignature(JSON.stringify(jws), published);
    expect(refusal).toBe('the token does not have three parts');
  });

  it.each(signed.filter(({ jws }) => jws.startsWith('.')))(
    '$section $title: no protected header',
    async ({ key, jws }) => {
      expect((await checkSignature(jws, [key])).refusal).toBe('the header is empty');
    },
  );

  it('RFC 7520 section 4.5 Signature with Detached Content, detached', async () => {
    const detached = cookbook.find(({ section }) => section.endsWith(' 4.5'))?.output.compact ?? '';
    expect(detached).toContain('..');
    expect(await judgeEncoding(detached)).toBe('the payload is empty');
  });
});
