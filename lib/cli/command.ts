/** What do the arguments say? Nothing secret may stand there: others on this machine can read them. */
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
  nestjs-resource-server doctor [--json] [--strict]     is this API set up rightly?
  nestjs-resource-server explain [--scope <name>]... [--group <name>]... [--json] < token
                                                        why is this token refused?
  nestjs-resource-server audit [<compiled root module>] [--export <name>] [--json]
                                                        what does each route ask, and which declare nothing?
  nestjs-resource-server issuer [--port <port>] [--scope <name>]... [--groups <name,name>] [--sub <name>]
                                                        an issuer for development, on this machine only
  nestjs-resource-server migrate <from> [<folder>] [--write] [--source-root <folder>] [--json]
                                                        what would change, coming from another library?
doctor and explain read the environment as AuthModule does.
  --env <path>             a file with variables, instead of .env; may be repeated, the first one wins
  --prefix <prefix>        envPrefix, instead of ${DEFAULT_PREFIX}
  --set <option>=<value>   what the application sets in code; may be repeated; not for secrets
  --strict                 warnings count as wrong
  --json                   for programs
audit creates the application, as its start does but for the port.
  --export <name>          the root module, or a function that returns the application; ${DEFAULT_EXPORT} unless said
  <compiled root module>   ${DEFAULT_MODULE} unless said
issuer prints variables for .env and requests with ready tokens, gives more tokens at /token, and stops with Ctrl-C.
  --port <port>            ${DEFAULT_PORT} unless said; 0 is a free one
  --audience <name>        ${DEFAULT_AUDIENCE} unless said
  --sub, --scope, --groups what its tokens hold; --scope may be repeated
  --expires-in <seconds>   ${DEFAULT_LIFETIME_SECONDS} unless said
  --opaque                 tokens that have to be introspected
  --url <url>              what the printed requests call, ${DEFAULT_URL} unless said
  --prefix <prefix>        as above
migrate reads the sources, and changes them with --write only; by the TypeScript of the application.
  <from>                   ${ORIGINS.join(', ')}
  --source-root <folder>   what nest-cli.json says, else src, unless said

Exit code of doctor: 0 right, 1 something is wrong. Of explain: 0 the token is accepted, 1 it is refused,
3 that cannot be known now. Of audit: 0 every route declares who may call it, 1 some declare nothing, 3 the
application cannot be created. Of issuer: 0 it was stopped, 1 the port cannot be used. Of migrate: 0 all of it
moves, 1 something has no equivalent. Of all: 2 the command is
used wrongly.
`;

/** Where the options come from. */
export interface Sources {
  /** In order: the first one that names a variable wins, and the process's environment over all. */
  readonly envFiles: readonly string[];
  readonly prefix: string;
  /** What the application sets in code. */
  readonly given: Readonly<Record<string, unknown>>;
}

export interface DoctorCommand extends Sources {
  readonly name: 'doctor';
  readonly json: boolean;
  readonly strict: boolean;
}

export interface ExplainCommand extends Sources {
  readonly name: 'explain';
  readonly json: boolean;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
}

const SECRETS = new Set(['clientSecret', 'clientCertificateKey', 'dpop.nonce']);
/** Options that no variable sets. */
const ONLY_IN_CODE = ['allowInsecureRequests', 'tenantDomain'];

const SHARED = {
  /** Not `env-file`: Node takes that for its own, also behind the script's name. */
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
  if (name === undefined) throw new UsageError('say doctor, explain, audit, issuer or migrate');
  try {
    if (name === 'audit') return readAuditCommand(args);
    if (name === 'migrate') return readMigrateCommand(args);
    if (name === 'issuer') return readIssuerCommand(args, environment);
    if (name === 'doctor') {
      const { values } = parseArgs({ args, options: { ...SHARED, strict: { type: 'boolean' } } });
      if (values.help) return { name: 'help' };
      return { name, ...sourcesIn(values), json: values.json ?? false, strict: values.strict ?? false };
    }
    if (name === 'explain') {
      const many = { type: 'string', multiple: true } as const;
      const { values } = parseArgs({ args, options: { ...SHARED, scope: many, group: many } });
      if (values.help) return { name: 'help' };
      const { scope: scopes = [], group: groups = [], json = false } = values;
      return { name, ...sourcesIn(values), json, scopes, groups };
    }
  } catch (error) {
    throw explained(error);
  }
  throw new UsageError('the commands are doctor, explain, audit, issuer and migrate');
}

/** What Node says of an unexpected argument quotes it, and it may be a token. */
function explained(error: unknown): unknown {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL')
    return new UsageError(
      'an argument too many; a token is read from standard input, for others can read the command line',
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
    throw new UsageError(`${option} is a secret: set its variable, for others can read the command line`);
  const text = assignment.slice(at + 1);
  const value = LISTS.has(option) ? text.split(',').map((each) => each.trim()) : text;
  const [name = '', member] = option.split('.');
  given[name] = member === undefined ? value : { ...(given[name] as object | undefined), [member]: value };
}
