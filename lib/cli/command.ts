/** Reads the arguments of the command line. They must not contain secrets: other users of the machine can read them. */
import { parseArgs } from 'node:util';
import { LISTS, VARIABLES } from '../options/settings.js';
import { DEFAULT_PREFIX } from '../options/resolve-options.js';
import {
  DEFAULT_EXPORT,
  DEFAULT_MODULE,
  readAuditCommand,
  type AuditCommand,
} from './audit/audit-arguments.js';
import {
  DEFAULT_AUDIENCE,
  DEFAULT_LIFETIME_SECONDS,
  DEFAULT_PORT,
  DEFAULT_URL,
  readIssuerCommand,
  type IssuerCommand,
} from './issuer/issuer-arguments.js';
import { ORIGINS, readMigrateCommand, type MigrateCommand } from './migrate/migrate-arguments.js';
import { UsageError } from './usage-error.js';

export const USAGE = `Usage:
  nestjs-resource-server doctor [--issuer <issuer>] [--json] [--strict]
      Check the configuration of this API and its provider.
  nestjs-resource-server explain [--scope <name>]... [--group <name>]... [--issuer <issuer>] [--json] < token
      Explain why a token is rejected.
  nestjs-resource-server audit [<compiled root module>] [--export <name>] [--json]
      List what each route requires, and the routes that declare nothing.
  nestjs-resource-server issuer [--port <port>] [--scope <name>]... [--groups <name,name>] [--sub <name>]
      Start an issuer for development, on this machine only.
  nestjs-resource-server migrate <from> [<folder>] [--write] [--source-root <folder>] [--json]
      Report what a migration from another library changes.

doctor and explain read the environment as AuthModule does.
  --env <path>             file with variables, instead of .env; repeatable, the first file with a variable wins
  --prefix <prefix>        envPrefix (default ${DEFAULT_PREFIX})
  --set <option>=<value>   option that the application sets in code; repeatable; not for secrets
  --issuer <issuer>        with several issuers: the one to check, or the issuer of an opaque token
  --strict                 treat warnings as failures
  --json                   print JSON

audit creates the application, but does not listen on a port.
  <compiled root module>   default ${DEFAULT_MODULE}
  --export <name>          the root module, or a function that returns the application (default ${DEFAULT_EXPORT})

issuer prints variables for .env and example requests with tokens, and issues more tokens at /token.
  --port <port>            default ${DEFAULT_PORT}; 0 chooses a free port
  --audience <name>        default ${DEFAULT_AUDIENCE}
  --sub, --scope, --groups claims of the tokens; --scope is repeatable
  --expires-in <seconds>   default ${DEFAULT_LIFETIME_SECONDS}
  --opaque                 issue opaque tokens
  --url <url>              URL of the example requests (default ${DEFAULT_URL})
  --prefix <prefix>        as above

migrate reads the sources with the TypeScript compiler of the application.
  <from>                   ${ORIGINS.join(', ')}
  --write                  change the sources
  --source-root <folder>   default: sourceRoot of nest-cli.json, else src

Exit codes
  doctor   0 no failure, 1 a check failed
  explain  0 the token is accepted, 1 it is rejected, 3 unknown: the provider is unavailable
  audit    0 every route declares who may call it, 1 some do not, 3 the application cannot be created
  issuer   0 it was stopped, 1 the port cannot be used
  migrate  0 everything has an equivalent, 1 something has none
  all      2 incorrect usage
`;

/** The sources of the options. */
export interface Sources {
  /** The first file with a variable wins. The environment of the process takes precedence over all files. */
  readonly envFiles: readonly string[];
  readonly prefix: string;
  /** Options that the application sets in code. */
  readonly given: Readonly<Record<string, unknown>>;
}

export interface DoctorCommand extends Sources {
  readonly name: 'doctor';
  readonly json: boolean;
  readonly strict: boolean;
  readonly issuer: string | undefined;
}

export interface ExplainCommand extends Sources {
  readonly name: 'explain';
  readonly json: boolean;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  readonly issuer: string | undefined;
}

const SECRETS = new Set(['clientSecret', 'clientCertificateKey', 'cacheSecret', 'dpop.nonce']);
/** Further options that `--set` accepts, although no variable sets them. */
const ONLY_IN_CODE = ['allowInsecureRequests', 'tenantDomain'];

const ISSUER = { type: 'string' } as const;
const SHARED = {
  /** Not `env-file`: Node.js interprets that as its own option, even after the script's name. */
  env: { type: 'string', multiple: true },
  prefix: { type: 'string' },
  set: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws {UsageError} */
export function readCommand(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): DoctorCommand | ExplainCommand | AuditCommand | IssuerCommand | MigrateCommand | { name: 'help' } {
  const [name, ...args] = argv;
  if (name === 'help' || name === '--help' || name === '-h') return { name: 'help' };
  if (name === undefined) throw new UsageError('missing command: doctor, explain, audit, issuer or migrate');
  try {
    if (name === 'audit') return readAuditCommand(args);
    if (name === 'migrate') return readMigrateCommand(args);
    if (name === 'issuer') return readIssuerCommand(args, environment);
    if (name === 'doctor') {
      const { values } = parseArgs({
        args,
        options: { ...SHARED, issuer: ISSUER, strict: { type: 'boolean' } },
      });
      if (values.help) return { name: 'help' };
      const { json = false, strict = false, issuer } = values;
      return { name, ...sourcesIn(values), json, strict, issuer };
    }
    if (name === 'explain') {
      const many = { type: 'string', multiple: true } as const;
      const { values } = parseArgs({
        args,
        options: { ...SHARED, issuer: ISSUER, scope: many, group: many },
      });
      if (values.help) return { name: 'help' };
      const { scope: scopes = [], group: groups = [], json = false, issuer } = values;
      return { name, ...sourcesIn(values), json, scopes, groups, issuer };
    }
  } catch (error) {
    throw explained(error);
  }
  throw new UsageError('unknown command: use doctor, explain, audit, issuer or migrate');
}

/** Replaces errors of Node.js: the message about an unexpected argument quotes it, and it may be a token. */
function explained(error: unknown): unknown {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
    return new UsageError(
      'unexpected argument; tokens are read from standard input, because other users can read command lines',
    );
  if (code?.startsWith('ERR_PARSE_ARGS_')) return new UsageError(message.split('. ')[0]?.slice(0, 80));
  return error;
}

function sourcesIn(values: {
  readonly env?: string[];
  readonly prefix?: string;
  readonly set?: string[];
}): Sources {
  const { env: envFiles = [], prefix = DEFAULT_PREFIX, set = [] } = values;
  const given: Record<string, unknown> = {};
  for (const each of set) setOption(given, each);
  return { envFiles, prefix, given };
}

function setOption(given: Record<string, unknown>, assignment: string): void {
  const at = assignment.indexOf('=');
  const option = assignment.slice(0, Math.max(at, 0));
  if (!Object.hasOwn(VARIABLES, option) && !ONLY_IN_CODE.includes(option))
    throw new UsageError('--set takes <option>=<value>, with the name of an option of AuthModule');
  if (SECRETS.has(option))
    throw new UsageError(
      `${option} is a secret: set its variable, because other users can read command lines`,
    );
  const text = assignment.slice(at + 1);
  const value = LISTS.has(option) ? text.split(',').map((each) => each.trim()) : text;
  const [name = '', member] = option.split('.');
  given[name] = member === undefined ? value : { ...(given[name] as object | undefined), [member]: value };
}
