/** Schemas of options that are secrets. No message quotes their values. */
import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import type { ClientKey } from '../issuer/client-authentication.js';
import { isObject } from '../jose/strict-json.js';

/** Options whose variables are not trimmed: a secret may begin or end with a space (RFC 6749 appendix A.2). */
export const SECRETS: ReadonlySet<string> = new Set(['clientSecret', 'cacheSecret', 'dpop.nonce']);

/** Removes tabs and line breaks at both ends, which files and shells add; no secret has any (RFC 6749 appendix A.2). */
export function readSecret(variable: string): string {
  return variable.replace(/^[\t\r\n]+|[\t\r\n]+$/g, '');
}

/**
 * A secret that only this API uses, so that a minimum length can be required.
 *
 * @internal
 */
export const strongSecret = z
  .string('is not a string')
  .check(z.minLength(32, 'is a secret of at least 32 characters'));

/** Returns the JWK if the text is one, else the text: a secret that is not a JWK may also begin with a brace. */
export function readClientSecret(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trim().startsWith('{')) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return isKey(parsed) ? parsed : value;
  } catch {
    return value;
  }
}

/** @internal */
export const clientSecret = z.pipe(
  z.transform(readClientSecret),
  z.union([z.string().check(z.minLength(1)), z.custom<ClientKey>(isKey)], 'is neither a string nor a JWK'),
);

function isKey(value: unknown): value is ClientKey {
  return isObject(value) && typeof value['kty'] === 'string';
}

/** @internal */
export const pem = (what: string) =>
  z.pipe(
    z.transform((value: unknown) => (typeof value === 'string' ? readPem(value.trim()) : value)),
    z
      .string(`is not ${what} in PEM`)
      .check(z.regex(/-----BEGIN [A-Z ]+-----/, `is neither ${what} in PEM nor a file with it`)),
  );

/** Returns PEM text, with each `\n` escape of a variable as a line break. Any other value is the path of a file. */
function readPem(value: string): string {
  if (value.includes('-----BEGIN')) return value.replaceAll(String.raw`\n`, '\n');
  try {
    return readFileSync(value, 'utf8');
  } catch {
    return '';
  }
}
