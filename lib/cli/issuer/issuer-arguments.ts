/** Reads the arguments of `issuer`: the content of its tokens, and the port. */
import { parseArgs } from 'node:util';
import { isScopeName } from '../../access/scope-names.js';
import { DEFAULT_PREFIX } from '../../options/resolve-options.js';
import { UsageError } from '../usage-error.js';

export const DEFAULT_PORT = 4100;
export const DEFAULT_AUDIENCE = 'https://api.example.com';
export const DEFAULT_URL = 'http://localhost:3000';
export const DEFAULT_LIFETIME_SECONDS = 3600;

const MAX_PORT = 65_535;
const LOOPBACK_NAMES = ['127.0.0.1', 'localhost'];

export interface IssuerCommand {
  readonly name: 'issuer';
  readonly port: number;
  readonly audience: string;
  readonly sub: string;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  readonly expiresIn: number;
  readonly opaque: boolean;
  /** The URL in the printed curl commands. */
  readonly url: string;
  readonly prefix: string;
}

const OPTIONS = {
  port: { type: 'string' },
  audience: { type: 'string' },
  sub: { type: 'string' },
  scope: { type: 'string', multiple: true },
  groups: { type: 'string', multiple: true },
  'expires-in': { type: 'string' },
  opaque: { type: 'boolean' },
  url: { type: 'string' },
  prefix: { type: 'string' },
  /** Only to reject other hosts than loopback with the reason. */
  host: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws {UsageError} also if `NODE_ENV` is `production` */
export function readIssuerCommand(
  args: string[],
  { NODE_ENV }: NodeJS.ProcessEnv,
): IssuerCommand | { readonly name: 'help' } {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help) return { name: 'help' };
  if (positionals.length > 0) throw new UsageError('issuer takes options only');
  if (NODE_ENV === 'production')
    throw new UsageError('NODE_ENV is production: this issuer issues a token to everybody');
  if (values.host !== undefined && !LOOPBACK_NAMES.includes(values.host))
    throw new UsageError('the issuer listens on 127.0.0.1 only, because it issues a token to everybody');
  return {
    name: 'issuer',
    port: readNumber('port', values.port, DEFAULT_PORT, { least: 0, most: MAX_PORT }),
    audience: readText('audience', values.audience, DEFAULT_AUDIENCE),
    sub: readText('sub', values.sub, 'user-1'),
    scopes: readScopes(values.scope ?? []),
    groups: (values.groups ?? [])
      .flatMap((list) => list.split(',').map((each) => each.trim()))
      .filter(Boolean),
    expiresIn: readNumber('expires-in', values['expires-in'], DEFAULT_LIFETIME_SECONDS, { least: 1 }),
    opaque: values.opaque ?? false,
    url: readUrl(values.url ?? DEFAULT_URL),
    prefix: values.prefix ?? DEFAULT_PREFIX,
  };
}

function readNumber(
  name: string,
  text: string | undefined,
  otherwise: number,
  { least, most = 999_999_999 }: { readonly least: number; readonly most?: number },
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < least || value > most)
    throw new UsageError(`--${name} takes a whole number from ${least} to ${most}`);
  return value;
}

function readText(name: string, text: string | undefined, otherwise: string): string {
  if (text?.trim() === '') throw new UsageError(`--${name} is blank`);
  return text ?? otherwise;
}

function readScopes(lists: readonly string[]): string[] {
  const scopes = lists.flatMap((list) => list.split(' ')).filter(Boolean);
  if (!scopes.every(isScopeName))
    throw new UsageError('--scope takes names of scopes: no quotes, backslashes or control characters');
  return scopes;
}

function readUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new UsageError('--url takes the URL of a route of your API: http://localhost:3000/products');
  return text;
}
