/** Reads the arguments of `migrate`: the library to migrate from, and whether to write. */
import { parseArgs } from 'node:util';
import { UsageError } from '../usage-error.js';

export const ORIGINS = ['passport-jwt', 'nest-keycloak-connect', 'express-oauth2-jwt-bearer'] as const;
export type Origin = (typeof ORIGINS)[number];

export interface MigrateCommand {
  readonly name: 'migrate';
  readonly origin: Origin;
  /** The folder of the application, with its package.json. */
  readonly folder: string;
  /** The folder of the sources, relative to `folder`. `undefined`: `sourceRoot` of nest-cli.json, else `src`. */
  readonly sourceRoot: string | undefined;
  readonly write: boolean;
  readonly json: boolean;
}

const OPTIONS = {
  write: { type: 'boolean' },
  json: { type: 'boolean' },
  'source-root': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws {UsageError} */
export function readMigrateCommand(args: string[]): MigrateCommand | { readonly name: 'help' } {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help) return { name: 'help' };
  const [from, folder = '.', ...rest] = positionals;
  const origin = ORIGINS.find((each) => each === from);
  if (origin === undefined) throw new UsageError(`migrate takes one of ${ORIGINS.join(', ')}`);
  if (rest.length > 0) throw new UsageError('migrate takes one folder');
  const { write = false, json = false, 'source-root': sourceRoot } = values;
  return { name: 'migrate', origin, folder, sourceRoot, write, json };
}
