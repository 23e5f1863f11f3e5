/**
 * Parses JSON objects that every parser reads in the same way. RFC 7519 section 4, RFC 8725 section 2.6.
 *
 * Parsers differ in how they read a duplicate member, and a member named `__proto__` becomes a prototype when an application
 * copies it: both are rejected, at every depth.
 */
import { isAscii } from 'node:buffer';

/** Its message is a fixed sentence that begins with a verb. The parser's own message is not used: it may quote the text. */
export class StrictJsonError extends Error {}

/** Limits the size of a text by its contents. An unverified text costs parsing time before it can be rejected. */
export interface JsonBounds {
  /** The maximum number of members in all objects of the text. */
  readonly members: number;
  /** The maximum number of commas, which separate the values of lists and objects. Commas in strings count too. */
  readonly values: number;
}

/**
 * @param bounds for an unverified text; without them only the length of the text bounds the work
 * @throws {StrictJsonError} if the bytes are not UTF-8, not JSON, not an object, ambiguous, beyond the bounds, or nested
 *   too deep
 */
export function parseStrictObject(bytes: Buffer, bounds?: JsonBounds): Record<string, unknown> {
  const text = readText(bytes);
  if (bounds) checkBounds(text, bounds);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StrictJsonError('is not JSON');
  }
  if (!isObject(value)) throw new StrictJsonError('is not an object');
  if (!isPlainlyUnambiguous(text, value)) refuseAmbiguousMembers(text);
  return value;
}

function readText(bytes: Buffer): string {
  // Most tokens are ASCII, and this is faster.
  if (isAscii(bytes)) return bytes.toString('latin1');
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new StrictJsonError('is not UTF-8');
  }
}

/**
 * Returns `true` if the text certainly has no duplicate member. A duplicate member is written twice but parsed once: if the
 * number of parsed members equals the number of quotes followed by a colon, there is none. This settles most tokens at a
 * fraction of the cost of reading every name; `false` is inconclusive.
 */
function isPlainlyUnambiguous(text: string, value: Record<string, unknown>): boolean {
  return !hasSpacedColons(text) && membersOf(value, 1) === count('":', text);
}

/** Counts separators before the text is parsed. Those in strings count too, so the count may be too high, never too low. */
function checkBounds(text: string, { members, values }: JsonBounds): void {
  if (count(',', text, values + 1) > values) throw new StrictJsonError(`has more than ${values} values`);
  if (count(hasSpacedColons(text) ? ':' : '":', text, members + 1) > members)
    throw new StrictJsonError(`is nested too deep, or has more than ${members} members`);
}

function hasSpacedColons(text: string): boolean {
  return SPACED_COLONS.some((colon) => text.includes(colon));
}

const SPACED_COLONS = [' :', '\t:', '\n:', '\r:'] as const;

/** Returns the number of members in all objects of the value; `NaN` if one is named `__proto__` or nested too deep. */
function membersOf(value: object, depth: number): number {
  if (depth > DEEPEST) return NaN;
  let members = 0;
  if (Array.isArray(value)) {
    // `for in` would create a string for each index.
    for (const item of value as readonly unknown[])
      if (typeof item === 'object' && item !== null) members += membersOf(item, depth + 1);
    return members;
  }
  for (const name in value) {
    // A polluted `Object.prototype` has members that the text does not name.
    if (name === '__proto__' || !Object.hasOwn(value, name)) return NaN;
    members++;
    const member = (value as Record<string, unknown>)[name];
    if (typeof member === 'object' && member !== null) members += membersOf(member, depth + 1);
  }
  return members;
}

/** Counts the occurrences of the part in the text, up to `most`. */
function count(part: string, text: string, most = Infinity): number {
  let found = 0;
  for (let at = text.indexOf(part); at !== -1 && found < most; at = text.indexOf(part, at + part.length))
    found++;
  return found;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Throws for a duplicate member, one named `__proto__`, or deep nesting. The text is known to be JSON, so a string that is
 * followed by a colon is the name of a member of the innermost object.
 */
function refuseAmbiguousMembers(text: string): void {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i++) {
    if (open.length > DEEPEST) throw new StrictJsonError(`is nested more than ${DEEPEST} levels deep`);
    const char = text.charCodeAt(i);
    if (char === OPEN_BRACE) open.push(new Set());
    else if (char === OPEN_BRACKET) open.push(undefined);
    else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) open.pop();
    else if (char === QUOTE) {
      const start = i;
      i = endOfString(text, start);
      const names = open.at(-1);
      if (names && isFollowedByColon(text, i + 1)) addName(names, nameOf(text.slice(start, i + 1)));
    }
  }
}

/** Claims are a few levels deep. Code that recurses over them (a log, a copy, an application) must not overflow the stack. */
const DEEPEST = 64;

const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET, QUOTE, BACKSLASH, COLON] = [
  0x7b, 0x7d, 0x5b, 0x5d, 0x22, 0x5c, 0x3a,
] as const;

function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}

function isFollowedByColon(text: string, from: number): boolean {
  let i = from;
  while (text.charCodeAt(i) <= 0x20) i++;
  return text.charCodeAt(i) === COLON;
}

function nameOf(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
}

function addName(names: Set<string>, name: string): void {
  if (name === '__proto__') throw new StrictJsonError('has a member named __proto__');
  if (names.has(name)) throw new StrictJsonError('has a duplicate member');
  names.add(name);
}
