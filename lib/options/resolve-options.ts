/** Which value does each option have? Option, else environment, else default; all mistakes in one message. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { DPOP_ALGORITHMS } from '../binding/dpop-proof.js';
import { ConfigurationError } from '../errors/auth.errors.js';
import { quoteAddress } from '../errors/quote-address.js';
import { checkClientKey } from '../issuer/client-authentication.js';
import { isSecureEnough } from '../issuer/provider-address.js';
import { isObject } from '../jose/strict-json.js';
import type { AuthModuleOptions, ResolvedOptions } from './auth-options.js';
import { profileDefaults, profileProblems, proofAlgorithms } from './profile.js';
import { metadataUrlOf, nameResource, resourceProblems } from './resource.js';
import { readClientSecret, readSecret, SECRETS } from './secrets.js';
import { DEFAULT_LOGOUT_PATH, LISTS, optionsSchema, VARIABLES } from './settings.js';

export const DEFAULT_PREFIX = 'MONOCLOUD_BACKEND_';

/** Options that are none of these, but stand beside them. */
const MISPLACED: Readonly<Record<string, string>> = {
  globalGuard: 'is read before the factory is called; set it beside useFactory, not in its result',
};

/** Reads one variable: `ConfigService.get`, so that `.env` files and the application's own validation count. */
export type ReadVariable = (name: string) => unknown;

/**
 * @throws {ConfigurationError} that lists every mistake with its option and its variable, and never quotes a secret
 */
export function resolveOptions(given: AuthModuleOptions, readVariable: ReadVariable): ResolvedOptions {
  const { envPrefix = DEFAULT_PREFIX, tenantDomain, groupOptions, dpop, tokenExchange, ...rest } = given;
  const problems: string[] = [];
  const read = (option: string): unknown => readOption(option, envPrefix, readVariable, problems);

  if (rest.issuer !== undefined && tenantDomain !== undefined && rest.issuer !== tenantDomain) {
    problems.push(
      `issuer: ${quoteAddress(rest.issuer)} differs from tenantDomain ${quoteAddress(tenantDomain)}`,
    );
  }
  const said = { ...fromEnvironment(read), ...defined({ ...rest, issuer: rest.issuer ?? tenantDomain }) };
  const input = {
    ...profileDefaults(said),
    ...said,
    groupOptions: { ...fromEnvironment(read, 'groupOptions.'), ...defined(groupOptions ?? {}) },
    dpop: { ...fromEnvironment(read, 'dpop.'), ...defined(dpop ?? {}) },
    tokenExchange: { ...fromEnvironment(read, 'tokenExchange.'), ...defined(tokenExchange ?? {}) },
  };

  const parsed = optionsSchema.safeParse(input);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const path = issue.path.join('.');
      if (issue.code === 'unrecognized_keys') {
        problems.push(
          ...issue.keys.map(
            (key) => `${path === '' ? key : `${path}.${key}`}: ${MISPLACED[key] ?? 'is not an option'}`,
          ),
        );
      } else {
        problems.push(`${describe(path, envPrefix)}: ${issue.message}`);
      }
    }
  }
  problems.push(
    ...[...contradictions(input), ...resourceProblems(input), ...profileProblems(input)].map(
      ([option, problem]) => `${describe(option, envPrefix)}: ${problem}`,
    ),
  );
  if (parsed.success)
    problems.push(
      ...unreadable(parsed.data).map(([option, problem]) => `${describe(option, envPrefix)}: ${problem}`),
    );
  if (problems.length > 0 || !parsed.success) throw new ConfigurationError(report(problems));
  const resourceMetadata = nameResource(parsed.data.resourceMetadata, input);
  return Object.freeze({
    ...parsed.data,
    resourceMetadata,
    resourceMetadataUrl: resourceMetadata && metadataUrlOf(resourceMetadata.resource),
    groupOptions: Object.freeze(parsed.data.groupOptions),
    dpop: Object.freeze(parsed.data.dpop),
    tokenExchange: Object.freeze(parsed.data.tokenExchange),
    offersDPoP:
      (Object.keys(input.dpop).length > 0 || parsed.data.profile === 'fapi2') &&
      parsed.data.dpop.mode !== 'off',
    proofAlgorithms: proofAlgorithms(parsed.data, DPOP_ALGORITHMS),
  });
}

/** Variables that carry the prefix but belong to no option: typing mistakes, most often. */
export function unknownVariables(envPrefix: string, names: readonly string[]): readonly string[] {
  // Every variable of the process begins with nothing: none of them can be told to be a misspelt one of ours.
  if (envPrefix === '') return [];
  const known = new Set(
    Object.values(VARIABLES)
      .flat()
      .map((name) => envPrefix + name),
  );
  return names.filter((name) => name.startsWith(envPrefix) && !known.has(name));
}

function readOption(option: string, prefix: string, readVariable: ReadVariable, problems: string[]): unknown {
  const values = (VARIABLES[option] ?? [])
    .map((variable) => readVariable(prefix + variable))
    .filter((value) => value !== undefined && !(typeof value === 'string' && value.trim() === ''));
  const [value, other] = values;
  if (other !== undefined && other !== value) {
    const names = (VARIABLES[option] ?? []).map((variable) => prefix + variable);
    problems.push(`${option}: ${names.join(' and ')} differ`);
  }
  if (typeof value !== 'string') return value;
  if (SECRETS.has(option)) return readSecret(value);
  return LISTS.has(option)
    ? value
        .split(',')
        .map((each) => each.trim())
        .filter((each) => each !== '')
    : value.trim();
}

/** The options whose names begin with the group's prefix and go no deeper. */
function fromEnvironment(read: (option: string) => unknown, group = ''): Record<string, unknown> {
  const names = Object.keys(VARIABLES)
    .filter((option) => option.startsWith(group))
    .map((option) => option.slice(group.length))
    .filter((name) => !name.includes('.'));
  return defined(Object.fromEntries(names.map((name) => [name, read(group + name)])));
}

function defined(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** What no option can tell by itself. Looks at what was said, so that these mistakes come in the same message. */
function contradictions(said: Record<string, unknown>): (readonly [option: string, problem: string])[] {
  const found: (readonly [string, string])[] = [];
  const events = isObject(said['securityEvents']) ? said['securityEvents'] : {};
  const addresses = [
    ...['issuer', 'jwksUri', 'introspectionEndpoint'].map((option) => [option, said[option]] as const),
    ...['issuer', 'jwksUri'].map((member) => [`securityEvents.${member}`, events[member]] as const),
  ];
  for (const [option, address] of addresses) {
    if (typeof address !== 'string' || !URL.canParse(address)) continue;
    if (!isSecureEnough(new URL(address), said['allowInsecureRequests'] === true)) {
      found.push([
        option,
        `${quoteAddress(address)} is not https; allowInsecureRequests accepts it for test networks`,
      ]);
    }
  }
  found.push(...receiverContradictions(said, events));
  if (said['clientId'] !== undefined) return [...found, ...clientContradictions(said)];
  const needing = ['clientSecret', 'clientCertificate', 'introspectionEndpoint'].filter(
    (option) => said[option] !== undefined,
  );
  if (String(said['introspectJwtTokens']).toLowerCase() === 'true') needing.push('introspectJwtTokens');
  if (isObject(said['tokenExchange']) && Object.keys(said['tokenExchange']).length > 0)
    needing.push('tokenExchange.grant');
  return [...found, ...needing.map((option) => [option, 'needs clientId'] as const)];
}

function receiverContradictions(
  { backChannelLogout, logoutAudience, clientId }: Record<string, unknown>,
  events: Record<string, unknown>,
): (readonly [option: string, problem: string])[] {
  const isOff = typeof backChannelLogout === 'string' && backChannelLogout.toLowerCase() === 'false';
  if (backChannelLogout === undefined || backChannelLogout === false || isOff) return [];
  const found: (readonly [string, string])[] = [];
  if (logoutAudience === undefined && clientId === undefined)
    found.push(['logoutAudience', 'backChannelLogout needs it, or clientId']);
  const { path = DEFAULT_LOGOUT_PATH } = isObject(backChannelLogout)
    ? backChannelLogout
    : { path: String(backChannelLogout).startsWith('/') ? backChannelLogout : undefined };
  if (events['path'] === path) found.push(['securityEvents.path', 'is that of backChannelLogout']);
  return found;
}

function clientContradictions(said: Record<string, unknown>): (readonly [option: string, problem: string])[] {
  const { clientAuthMethod: method = 'client_secret_post', cache } = said;
  const secret = readClientSecret(said['clientSecret']);
  const isKey = typeof secret === 'object';
  if (method === 'private_key_jwt') {
    return isKey ? [] : [['clientSecret', 'private_key_jwt needs the private key as a JWK, in JSON']];
  }
  if (typeof method === 'string' && method.startsWith('client_secret_')) {
    if (secret === undefined) return [['clientSecret', `${method} needs it`]];
    return isKey ? [['clientSecret', `is a JWK: ${method} needs a string`]] : [];
  }
  const isSealed = ['cacheSecret', 'clientSecret', 'clientCertificateKey'].some(
    (option) => said[option] !== undefined,
  );
  // With a fetcher of the application's own, TLS is the application's.
  if (said['fetcher'] !== undefined) {
    return cache === undefined || isSealed
      ? []
      : [
          [
            'cacheSecret',
            'cache needs it: without a secret, whoever can write to the cache could invent tokens',
          ],
        ];
  }
  return ['clientCertificate', 'clientCertificateKey']
    .filter((option) => said[option] === undefined)
    .map((option) => [option, `${String(method)} needs it`]);
}

/** Keys and certificates that look like some and are none: better said now than with the first token. */
function unreadable(
  options: Pick<
    ResolvedOptions,
    'providerCa' | 'clientCertificate' | 'clientCertificateKey' | 'clientSecret'
  >,
): (readonly [option: string, problem: string])[] {
  const { providerCa, clientCertificate: cert, clientCertificateKey: key, clientSecret } = options;
  const checks: (readonly [string, string, () => unknown])[] = [
    ['providerCa', 'is not a certificate', () => providerCa === undefined || new X509Certificate(providerCa)],
    [
      'clientCertificate',
      'cannot be read, or does not match clientCertificateKey',
      () => cert === undefined || key === undefined || createSecureContext({ cert, key }),
    ],
    [
      'clientSecret',
      'is not a private key as a JWK that can sign',
      () => typeof clientSecret !== 'object' || checkClientKey(clientSecret),
    ],
  ];
  return checks.flatMap(([option, problem, check]) => {
    try {
      check();
      return [];
    } catch {
      // The reason may quote the key.
      return [[option, problem] as const];
    }
  });
}

/** `clockTolerance (MONOCLOUD_BACKEND_CLOCK_TOLERANCE)`; a member of a list is its option. */
function describe(path: string, prefix: string): string {
  const option = path.replace(/\.\d+$/, '');
  const [variable] = VARIABLES[option] ?? [];
  return variable === undefined ? option : `${option} (${prefix}${variable})`;
}

function report(problems: readonly string[]): string {
  const lines = [...new Set(problems)].map((problem) => `  ${problem}`);
  return [`AuthModule: ${lines.length} ${lines.length === 1 ? 'problem' : 'problems'}`, ...lines].join('\n');
}
