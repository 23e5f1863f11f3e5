/** Resolves the options of AuthModule: environment over files over defaults, as ConfigModule reads them. */
import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigurationError } from '../errors/auth.errors.js';
import type { AuthModuleOptions, ResolvedOptions } from '../options/auth-options.js';
import { resolveOptions, unknownVariables } from '../options/resolve-options.js';
import { VARIABLES } from '../options/settings.js';
import type { Sources } from './command.js';
import type { Finding } from './findings.js';
import { UsageError } from './usage-error.js';

export interface Settings {
  /** `undefined` if options are invalid; the findings list the mistakes. */
  readonly options: ResolvedOptions | undefined;
  readonly findings: readonly Finding[];
}

const DEFAULT_FILE = '.env';

/** @throws {UsageError} if a file cannot be read */
export function readSettings({ envFiles, prefix, given }: Sources): Settings {
  const files = envFiles.length > 0 ? envFiles : [DEFAULT_FILE].filter((file) => existsSync(file));
  const environment: NodeJS.Dict<string> = Object.assign(
    {},
    ...files.map(readFile).toReversed(),
    process.env,
  );
  const findings: Finding[] = [];
  const unknown = unknownVariables(prefix, Object.keys(environment));
  if (unknown.length > 0)
    findings.push({
      status: 'warn',
      check: 'variables',
      found: `unknown: ${unknown.join(', ')}`,
      change: 'check the spelling; docs/options.md lists all variables',
    });
  try {
    const options = resolveOptions(
      { ...(given as AuthModuleOptions), envPrefix: prefix },
      (name) => environment[name],
    );
    const from = ['the environment', ...files].join(', ');
    return { options, findings: [{ status: 'ok', check: 'options', found: `from ${from}` }, ...findings] };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // The first line of the message is the number of problems.
    const problems = error.message.split('\n').slice(1);
    return {
      options: undefined,
      findings: [
        ...problems.map((problem) => ({
          status: 'FAIL' as const,
          check: 'options',
          found: problem.trim(),
          ...(problem.endsWith(': required') && { change: whereToSet(files) }),
        })),
        ...findings,
      ],
    };
  }
}

function whereToSet(files: readonly string[]): string {
  const looked = files.length > 0 ? files.join(' or ') : '.env (there is none in this folder)';
  return `set the variable, in the environment or in ${looked}`;
}

function readFile(file: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch {
    throw new UsageError(`${file} cannot be read`);
  }
}

/** Returns the variable of an option, for advice on what to change. */
export function variableOf(option: string, { prefix }: Pick<Sources, 'prefix'>): string {
  return prefix + (VARIABLES[option]?.[0] ?? option);
}
