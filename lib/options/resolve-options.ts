/** Resolves each option from code, else from the environment, else to its default. One error lists all mistakes. */
import { DPOP_ALGORITHMS } from '../binding/dpop-proof.js';
import { ConfigurationError } from '../errors/auth.errors.js';
import { quoteAddress } from '../errors/quote-address.js';
import type { AuthModuleOptions, ResolvedOptions } from './auth-options.js';
import { contradictions, receiverContradictions } from './contradictions.js';
import {
  contradictionsAmong,
  issuerFinder,
  misplacedAmong,
  resolveIssuer,
  type FindIssuer,
  type ResolvedIssuerOptions,
} from './issuers.js';
import { profileDefaults, profileProblems, proofAlgorithms } from './profile.js';
import { nameResource, resourceProblems } from './resource.js';
import { readSecret, SECRETS } from './secrets.js';
import { LISTS, optionsSchema, optionsSchemaOfSeveral, VARIABLES } from './settings.js';

export const DEFAULT_PREFIX = 'MONOCLOUD_BACKEND_';

/** Properties that belong next to the options, not among them, each with the message for it. */
const MISPLACED: Readonly<Record<string, string>> = {
  globalGuard: 'is read before the factory is called; set it next to useFactory, not in its result',
};

/** Reads one variable: `ConfigService.get`, so that `.env` files and the application's own validation apply. */
export type ReadVariable = (name: string) => unknown;

/**
 * @throws {ConfigurationError} that lists every mistake with its option and its variable, and never quotes a secret
 */
export function resolveOptions(given: AuthModuleOptions, readVariable: ReadVariable): ResolvedOptions {
  const {
    envPrefix = DEFAULT_PREFIX,
    tenantDomain,
    groupOptions,
    dpop,
    tokenExchange,
    issuers: several,
    ...rest
  } = given;
  const problems: string[] = [];
  const isSeveral = several !== undefined;
  const read = (option: string): unknown =>
    // With `issuers` in code, the variable is ignored.
    isSeveral && option === 'issuer' ? undefined : readOption(option, envPrefix, readVariable, problems);

  if (rest.issuer !== undefined && tenantDomain !== undefined && rest.issuer !== tenantDomain) {
    problems.push(
      `issuer: ${quoteAddress(rest.issuer)} differs from tenantDomain ${quoteAddress(tenantDomain)}`,
    );
  }
  const issuerInCode = rest.issuer ?? tenantDomain;
  if (isSeveral && issuerInCode !== undefined)
    problems.push('issuers: issuer is set as well; remove one of them');
  const { issuer: named, ...said }: Record<string, unknown> = {
    ...fromEnvironment(read),
    ...defined({ ...rest, issuer: issuerInCode }),
  };
  // Only a variable is split at commas: in code, an issuer with a comma is one issuer.
  const listed = issuerInCode === undefined && typeof named === 'string' ? splitList(named) : [];
  const issuers = several ?? (listed.length > 1 ? listed.map((issuer) => ({ issuer })) : undefined);
  const input: Record<string, unknown> = {
    ...profileDefaults(said),
    ...said,
    ...(issuers === undefined && defined({ issuer: listed[0] ?? named })),
    groupOptions: { ...fromEnvironment(read, 'groupOptions.'), ...defined(groupOptions ?? {}) },
    dpop: { ...fromEnvironment(read, 'dpop.'), ...defined(dpop ?? {}) },
    tokenExchange: { ...fromEnvironment(read, 'tokenExchange.'), ...defined(tokenExchange ?? {}) },
  };

  const parsed = (issuers === undefined ? optionsSchema : optionsSchemaOfSeveral).safeParse(input);
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
  const add = (found: readonly (readonly [option: string, problem: string])[], place = ''): void => {
    for (const [option, problem] of found) {
      const subject = place === '' ? describe(option, envPrefix) : [place, option].filter(Boolean).join('.');
      problems.push(`${subject}: ${problem}`);
    }
  };
  const list = resolveIssuers(issuers, input, parsed.success, several !== undefined, add);
  problems.push(...contradictionsAmong(list));
  if (issuers !== undefined) add(misplacedAmong(input, Array.isArray(issuers) ? issuers : undefined));
  const { opaqueTokenIssuer } = given;
  const introspecting = list.filter(({ clientId }) => clientId !== undefined);
  if (
    opaqueTokenIssuer === undefined &&
    (introspecting.length > 1 || (isFinder(issuers) && 'clientId' in input))
  )
    add([
      [
        'opaqueTokenIssuer',
        'required: several issuers introspect, and an opaque token does not name its issuer',
      ],
    ]);

  add(receiverContradictions(input, list, isFinder(issuers)));
  const hasClient = 'clientId' in input || list.some(({ clientId }) => clientId !== undefined);
  if (Object.keys(input['tokenExchange'] as object).length > 0 && !hasClient)
    add([['tokenExchange.grant', 'needs clientId']]);
  const audience = audienceOf(list, input);
  const resourceTerms = { ...input, ...(issuers !== undefined && { audience }) };
  add(resourceProblems(resourceTerms));
  add(profileProblems(input));
  if (problems.length > 0 || !parsed.success) throw new ConfigurationError(report(problems));
  const resourceMetadata = nameResource(parsed.data.resourceMetadata, resourceTerms);
  const { issuer: _issuer, ...data } = parsed.data;
  return Object.freeze({
    ...data,
    audience,
    issuers: Object.freeze(list),
    findIssuer: isFinder(issuers) ? issuerFinder(issuers, input, opaqueTokenIssuer !== undefined) : undefined,
    resourceMetadata,
    groupOptions: Object.freeze(parsed.data.groupOptions),
    dpop: Object.freeze(parsed.data.dpop),
    tokenExchange: Object.freeze(parsed.data.tokenExchange),
    offersDPoP:
      (Object.keys(input['dpop'] as object).length > 0 || parsed.data.profile === 'fapi2') &&
      parsed.data.dpop.mode !== 'off',
    proofAlgorithms: proofAlgorithms(parsed.data, DPOP_ALGORITHMS),
  });
}

/** Returns the issuers that are known at start, and reports the problems with them to `add`. */
function resolveIssuers(
  issuers: unknown,
  input: Readonly<Record<string, unknown>>,
  isReadable: boolean,
  isInCode: boolean,
  add: (found: readonly (readonly [option: string, problem: string])[], place?: string) => void,
): readonly ResolvedIssuerOptions[] {
  if (issuers === undefined) {
    add(contradictions(input));
    if (!isReadable) return [];
    const { options, problems } = resolveIssuer(
      input['issuer'] === undefined ? {} : { issuer: input['issuer'] },
      input,
    );
    add(problems);
    return options ? [options] : [];
  }
  if (isFinder(issuers)) return [];
  if (!Array.isArray(issuers)) {
    add([['issuers', 'is neither a list nor a function']]);
    return [];
  }
  if (issuers.length === 0) add([['issuers', 'is empty']]);
  return issuers.flatMap((entry: unknown, index) => {
    const { options, problems } = resolveIssuer(entry, input);
    add(problems, isInCode ? `issuers[${index}]` : '');
    return options ?? [];
  });
}

function isFinder(issuers: unknown): issuers is FindIssuer {
  return typeof issuers === 'function';
}

/** Returns the audiences of all issuers, that of the module first. */
function audienceOf(
  list: readonly ResolvedIssuerOptions[],
  { audience }: { readonly audience?: unknown },
): string | readonly string[] {
  if (list.length === 1 && list[0]) return list[0].audience;
  const own = [audience].flat().filter((each) => typeof each === 'string');
  return Object.freeze([...new Set([...own, ...list.flatMap((each) => [each.audience].flat())])]);
}

function splitList(value: string): string[] {
  return value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** Returns the variables with the prefix that belong to no option: usually misspelled names. */
export function unknownVariables(envPrefix: string, names: readonly string[]): readonly string[] {
  // With an empty prefix, misspelled names cannot be distinguished from other variables of the process.
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
  return LISTS.has(option) ? splitList(value) : value.trim();
}

/** Reads the options of one group from the environment, without those of nested groups. */
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

/** Returns `clockTolerance (MONOCLOUD_BACKEND_CLOCK_TOLERANCE)`; an element of a list is described as the list. */
function describe(path: string, prefix: string): string {
  const option = path.replace(/\.\d+$/, '');
  const [variable] = VARIABLES[option] ?? [];
  return variable === undefined ? option : `${option} (${prefix}${variable})`;
}

function report(problems: readonly string[]): string {
  const lines = [...new Set(problems)].map((problem) => `  ${problem}`);
  return [`AuthModule: ${lines.length} ${lines.length === 1 ? 'problem' : 'problems'}`, ...lines].join('\n');
}
