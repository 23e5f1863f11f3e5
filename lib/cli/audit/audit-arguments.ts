/** Reads the arguments of `audit`: where the application's root module is. */
import { parseArgs } from 'node:util';
import { DEFAULT_PREFIX } from '../../options/resolve-options.js';
import { UsageError } from '../usage-error.js';

export const DEFAULT_MODULE = 'dist/app.module.js';
export const DEFAULT_EXPORT = 'AppModule';

export interface AuditCommand {
  readonly name: 'audit';
  /** The compiled file. */
  readonly file: string;
  /** The root module, or a function that creates the application. */
  readonly exportName: string;
  readonly json: boolean;
  readonly prefix: string;
}

const OPTIONS = {
  export: { type: 'string' },
  json: { type: 'boolean' },
  prefix: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws {UsageError} */
export function readAuditCommand(args: string[]): AuditCommand | { readonly name: 'help' } {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (values.help) return { name: 'help' };
  if (positionals.length > 1) throw new UsageError('audit takes one file: the compiled root module');
  return {
    name: 'audit',
    file: positionals[0] ?? DEFAULT_MODULE,
    exportName: values.export ?? DEFAULT_EXPORT,
    json: values.json ?? false,
    prefix: values.prefix ?? DEFAULT_PREFIX,
  };
}
