/** Options that hold secrets. No message ever quotes them. */
import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import type { ClientKey } from '../issuer/client-authentication.js';
import { isObject } from '../jose/strict-json.js';

/** Their variables keep the spaces around the value: a secret may begin or end with one (RFC 6749 appendix A.2). */
export const SECRETS: ReadonlySet<string> = new Set(['clientSecret', 'cacheSecret', 'dpop.nonce']);

/** Without the line breaks that files and shells add: no secret has any (RFC 6749 appendix A.2). */
export function readSecret(variable: string): string {
  return variable.replace(/^[\t\r\n]+|[\t\r\n]+$/g, '');
}

/** A secret of this API's own, of which nobody else chooses the form. */
export const strongSecret = z
  .string('is not a string')
  .check(z.minLength(32, 'is a secret of at least 32 characters'));

/** A JWK where the text is one; else the secret as it is, which may begin with a brace, too. */
export function readClientSecret(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trim().startsWith('{')) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return isKey(parsed) ? parsed : value;
  } catch {
    return value;
  }
}

export const clientSecret = z.pipe(
  z.transform(readClientSecret),
  z.union([z.string().check(z.minLength(1)), z.custom<ClientKey>(isKey)], 'is neither a string nor a JWK'),
);

function isKey(value: unknown): value is ClientKey {
  return isObject(value) && typeof value['kty'] === 'string';
}

export const pem = (what: string) =>
  z.pipe(
    z.transform((value: unknown) => (typeof value === 'string' ? readPem(value.trim()) : value)),
    z
      .string(`is not ${what} in PEM`)
      .check(z.regex(/-----BEGIN [A-Z ]+-----/, `is neither ${what} in PEM nor a file with it`)),
  );

/** PEM as it is, with the line breaks that a variable writes as backslash and n; anything else names a file. */
function readPem(value: string): string {
  if (value.includes('-----BEGIN')) return value.replaceAll(String.raw`\n`, '\n');
  try {
    return readFileSync(value, 'utf8');
  } catch {
    return '';
  }
}
