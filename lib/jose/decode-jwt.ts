/** Decodes JWTs strictly, without verifying their signature. RFC 7515 section 7.1. */
import { LRUCache } from 'lru-cache';
import { invalidToken } from '../errors/auth.errors.js';
import { parseStrictObject, StrictJsonError, type JsonBounds } from './strict-json.js';

export interface DecodedJwt {
  readonly token: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The input of the signature: header and payload as they were received. */
  readonly signed: string;
  /** May be empty. */
  readonly signature: Buffer;
}

/** Node accepts 16 KiB of request headers by default. This limit also bounds tokens from other sources, such as a message. */
const MAX_TOKEN_LENGTH = 65_536;

/**
 * A token with thousands of members costs more to parse than a valid token costs to validate. Real tokens have about ten
 * members, and about a hundred with many roles or permissions.
 */
const BOUNDS: JsonBounds = { members: 512, values: 2_000 };

/** Returns whether the token has three dot-separated parts, as a JWT has. Any other token can only be introspected. */
export function isJwt(token: string): boolean {
  const second = token.indexOf('.', token.indexOf('.') + 1);
  return second !== -1 && !token.includes('.', second + 1);
}

/** @throws {TokenError} `invalid_token` if any part is malformed */
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

/** Caches parsed headers: all tokens that are signed with the same key have the same header. */
const headers = new LRUCache<string, DecodedJwt['header']>({ max: 100 });
/** Longer headers are not cached, because clients can send headers of any length. This keeps the cache small. */
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

/**
 * Decodes base64url strictly. Node ignores invalid input (padding, white space, other alphabets, spare bits); encoding the
 * result again reveals it.
 */
function decodePart(part: string, name: string): Buffer {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) throw invalidToken('malformed', `the ${name} is not base64url`);
  return bytes;
}
