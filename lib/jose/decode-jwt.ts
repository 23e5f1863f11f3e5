/** What does the JWT say, before anybody vouches for it? RFC 7515 section 7.1, strictly. */
import { LRUCache } from 'lru-cache';
import { invalidToken } from '../errors/auth.errors.js';
import { parseStrictObject, StrictJsonError, type JsonBounds } from './strict-json.js';

export interface DecodedJwt {
  readonly token: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What the signature is made of: header and payload as they came. */
  readonly signed: string;
  /** May be empty. */
  readonly signature: Buffer;
}

/** Node takes 16 KiB of headers as it comes; this bounds tokens from other places (a cookie, a message). */
const MAX_TOKEN_LENGTH = 65_536;

/**
 * A token of thousands of members costs more to read than a good one to validate. Real ones have some ten; those with many
 * roles or permissions some hundred.
 */
const BOUNDS: JsonBounds = { members: 512, values: 2_000 };

/** Three dot-separated parts: what is judged as a JWT. Everything else can only be introspected. */
export function isJwt(token: string): boolean {
  const second = token.indexOf('.', token.indexOf('.') + 1);
  return second !== -1 && !token.includes('.', second + 1);
}

/** @throws {TokenError} `invalid_token` if any of it is malformed */
export function decodeJwt(token: string): DecodedJwt {
  if (token.length > MAX_TOKEN_LENGTH)
    throw invalidToken('malformed', `the token is longer than ${MAX_TOKEN_LENGTH} characters`);
  if (!isJwt(token)) throw invalidToken('malformed', 'the token does not have three parts');
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  return {
    token,
    header: readHeader(token.slice(0, first)),
    claims: parsePart(token.slice(first + 1, second), 'payload'),
    signed: token.slice(0, second),
    signature: decodePart(token.slice(second + 1), 'signature'),
  };
}

/** All tokens of a key have the same header: it is read once. */
const headers = new LRUCache<string, DecodedJwt['header']>({ max: 100 });
/** Headers of invented lengths are not remembered: what is held stays small. */
const MAX_HEADER_LENGTH = 512;

function readHeader(part: string): DecodedJwt['header'] {
  const known = headers.get(part);
  if (known) return known;
  const header = Object.freeze(parsePart(part, 'header'));
  if (part.length <= MAX_HEADER_LENGTH) headers.set(part, header);
  return header;
}

function parsePart(part: string, name: string): Record<string, unknown> {
  if (part === '') throw invalidToken('malformed', `the ${name} is empty`);
  const bytes = decodePart(part, name);
  try {
    return parseStrictObject(bytes, BOUNDS);
  } catch (error) {
    if (error instanceof StrictJsonError) throw invalidToken('malformed', `the ${name} ${error.message}`);
    throw error;
  }
}

/** Node ignores what is not base64url; writing it back shows it: padding, white space, other alphabets, spare bits. */
function decodePart(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw invalidToken('malformed', `the ${name} is not base64url`);
  return bytes;
}
