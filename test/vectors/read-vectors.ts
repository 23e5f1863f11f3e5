/** The vectors as they were published. Where they come from: README.md. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Jwk } from './check-vector.js';

export function readVectors(file: string): unknown {
  return JSON.parse(readFileSync(resolve('test/vectors', file), 'utf8'));
}

/** RFC 7518 section 6: what of an asymmetric key nobody else may know. */
const PRIVATE_MEMBERS: ReadonlySet<string> = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth']);

export function publicPart(jwk: Jwk): Jwk {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !PRIVATE_MEMBERS.has(name)));
}

/** A file of Project Wycheproof, schema json_web_*_schema_v1. */
interface WycheproofFile {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly comment: string;
    readonly public?: Jwk;
    readonly private: Jwk;
    readonly tests: readonly WycheproofTest[];
  }[];
}

interface WycheproofTest {
  readonly tcId: number;
  readonly comment: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly jws?: string;
  readonly jwe?: string;
}

export interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly result: WycheproofTest['result'];
  /** The JWS or JWE, in whichever serialization. */
  readonly text: string;
}

export interface VectorGroup {
  readonly title: string;
  /** What the issuer publishes: the public keys, or the secrets themselves, where there is nothing else. */
  readonly published: readonly Jwk[];
  readonly private: readonly Jwk[];
  readonly isSymmetric: boolean;
  readonly tests: readonly Vector[];
}

export interface Vectors {
  readonly numberOfTests: number;
  readonly groups: readonly VectorGroup[];
}

export function readWycheproof(file: string): Vectors {
  const { numberOfTests, testGroups } = readVectors(`wycheproof/${file}`) as WycheproofFile;
  const groups = testGroups.map((group): VectorGroup => {
    const secret = keysOf(group.private);
    const tests = group.tests.map(({ jws, jwe, ...test }) => ({ ...test, text: jws ?? jwe ?? '' }));
    return {
      title: `${group.comment}, from test ${tests[0]?.tcId}`,
      published: group.public ? keysOf(group.public) : secret,
      private: secret,
      isSymmetric: group.public === undefined,
      tests,
    };
  });
  return { numberOfTests, groups };
}

/** The groups of json_web_key_test.json have key sets, the others single keys. */
function keysOf(key: Jwk): readonly Jwk[] {
  return Array.isArray(key['keys']) ? (key['keys'] as readonly Jwk[]) : [key];
}
