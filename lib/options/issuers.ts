/** Resolves the options of each issuer: those of its entry, else those of the module. */
import * as z from 'zod/mini';
import type { GroupOptions } from '../access/requirement.js';
import { ConfigurationError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { IntrospectionCacheOptions } from '../introspection/introspection-cache.js';
import type { IntrospectionOptions } from '../introspection/opaque-token.validator.js';
import type { CacheOptions } from '../introspection/shared-cache.js';
import type { ClientOptions } from '../issuer/client-authentication.js';
import type { KeyOptions } from '../issuer/issuer-keys.js';
import { withoutSlash, type MetadataOptions } from '../issuer/issuer-metadata.js';
import type { ProviderClientOptions } from '../issuer/provider-client.js';
import type { SignatureOptions } from '../issuer/signature-verifier.js';
import type { WarmUpOptions } from '../issuer/trusted-issuer.js';
import { isObject } from '../jose/strict-json.js';
import type { LogoutOptions } from '../revocation/logout-token.js';
import { isThenable } from '../timing/when-ready.js';
import type { ClaimsOptions } from '../token/check-claims.js';
import type { JwtOptions } from '../token/jwt-token.validator.js';
import { contradictions, unreadable } from './contradictions.js';
import type { OpaqueTokenIssuer } from './opaque-token-issuer.js';
import { profileProblems } from './profile.js';
import { optionsSchema } from './settings.js';

/** Every option that is about one issuer, with its value. */
export interface ResolvedIssuerOptions
  extends
    MetadataOptions,
    WarmUpOptions,
    KeyOptions,
    SignatureOptions,
    JwtOptions,
    ClientOptions,
    IntrospectionOptions,
    IntrospectionCacheOptions,
    CacheOptions,
    ClaimsOptions,
    Pick<LogoutOptions, 'logoutAudience'>,
    ProviderClientOptions {
  /** The name of the issuer in logs, events, metrics and `@Issuers()`. @default the issuer */
  readonly name: string;
  readonly groupOptions: GroupOptions;
}

/**
 * One of several issuers. Options that are left out are those of the module.
 *
 * `@Issuers()`, events, metrics and the health indicator use `name`; by default the `issuer`.
 */
export type IssuerOptions = {
  readonly [Name in Exclude<keyof ResolvedIssuerOptions, 'issuer' | 'groupOptions' | 'clockSkew'>]?:
    ResolvedIssuerOptions[Name] | undefined;
} & {
  readonly issuer: string;
  readonly groupOptions?: Partial<GroupOptions> | undefined;
};

/**
 * Returns the options of the issuer with this `iss`, or `undefined` for an unknown issuer. The `iss` is not verified. If the function
 * throws, or returns another issuer, the response is 500.
 */
export type FindIssuer = (
  iss: string,
) => IssuerOptions | undefined | null | Promise<IssuerOptions | undefined | null>;

export interface IssuersOptions {
  /**
   * [Several issuers](../../docs/tenants.md), instead of `issuer`: a list, or a function for tenants that are added and removed.
   * Variable: `TENANT_DOMAIN` with commas.
   *
   * Options that an entry leaves out are those of the module. The `iss` of the token selects the issuer before anything is
   * fetched. The results of a function are cached for the 1,000 issuers used last for `metadataCacheDuration`, and unknown
   * issuers for 60 seconds.
   */
  readonly issuers?: readonly IssuerOptions[] | FindIssuer | undefined;
  /**
   * `(token, request) => name or issuer`, or a promise: the issuer that introspects an opaque token. Required if several
   * introspect.
   *
   * @default the one that introspects
   */
  readonly opaqueTokenIssuer?: OpaqueTokenIssuer | undefined;
}

/** Options that an entry may set. `clockSkew`, the known error of the local clock, is the same for all issuers. */
export const ISSUER_OPTIONS = [
  'issuer',
  'accessTokenIssuer',
  'audience',
  'groupOptions',
  'clockTolerance',
  'jwksCacheDuration',
  'metadataCacheDuration',
  'maxStale',
  'warmUp',
  'responseTimeout',
  'clientId',
  'clientSecret',
  'clientAuthMethod',
  'logoutAudience',
  'clientCertificate',
  'clientCertificateKey',
  'providerCa',
  'introspectJwtTokens',
  'introspectionCacheDuration',
  'introspectionEndpoint',
  'allowMissingAudience',
  'cache',
  'cacheSecret',
  'jwksUri',
  'signingAlgorithms',
  'requireAccessTokenType',
  'allowInsecureRequests',
  'fetcher',
] as const satisfies readonly (keyof ResolvedIssuerOptions)[];

/** Options that belong to one issuer: a common value would make one issuer's keys or endpoint apply to another. */
const OF_ONE_ISSUER = ['jwksUri', 'introspectionEndpoint', 'accessTokenIssuer'] as const;

const name = z.optional(z.string('is not a string').check(z.minLength(1, 'is empty')));
const issuerSchema = z.extend(
  z.pick(
    optionsSchema,
    Object.fromEntries([...ISSUER_OPTIONS, 'clockSkew'].map((each) => [each, true])) as Record<
      (typeof ISSUER_OPTIONS)[number] | 'clockSkew',
      true
    >,
  ),
  { name },
);

type Said = Readonly<Record<string, unknown>>;
type Problem = readonly [option: string, problem: string];

/** Returns the options of one issuer, or the problems with them. */
export function resolveIssuer(
  entry: unknown,
  common: Said,
): { readonly options?: ResolvedIssuerOptions; readonly problems: readonly Problem[] } {
  if (!isObject(entry)) return { problems: [['', 'is not an object']] };
  const own = definedIn(entry);
  const input: Said = {
    ...Object.fromEntries(
      [...ISSUER_OPTIONS, 'clockSkew'].filter((each) => each in common).map((each) => [each, common[each]]),
    ),
    ...own,
    groupOptions: {
      ...(common['groupOptions'] as object | undefined),
      ...(isObject(own['groupOptions']) ? definedIn(own['groupOptions']) : {}),
    },
  };
  const problems: Problem[] = [];
  if (own['groupOptions'] !== undefined && !isObject(own['groupOptions']))
    problems.push(['groupOptions', 'is not an object']);
  if ('clockSkew' in own) problems.push(['clockSkew', 'is an option of the module, not of an issuer']);

  const parsed = issuerSchema.safeParse(input);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const [first] = issue.path;
      if (issue.code === 'unrecognized_keys') {
        problems.push(
          ...issue.keys.map((key) => [[...issue.path, key].join('.'), unknownIn(key)] as Problem),
        );
        // Problems with inherited options are reported once, for the module.
      } else if (first === undefined || first in own || input[String(first)] === undefined) {
        problems.push([issue.path.filter((part) => typeof part === 'string').join('.'), issue.message]);
      }
    }
  }
  problems.push(...profileProblems({ ...input, profile: common['profile'] }));
  problems.push(...contradictions(input), ...(parsed.success ? unreadable(parsed.data) : []));
  return parsed.success && problems.length === 0 ? { options: freeze(parsed.data), problems } : { problems };
}

function unknownIn(key: string): string {
  return key in optionsSchema.shape || key === 'tenantDomain'
    ? 'is an option of the module, not of an issuer'
    : 'is not an option';
}

function freeze(data: z.infer<typeof issuerSchema>): ResolvedIssuerOptions {
  const { clientSecret } = data;
  return Object.freeze({
    ...data,
    // A copy, so that later changes to the application's object have no effect.
    ...(isObject(clientSecret) && { clientSecret: Object.freeze({ ...clientSecret }) }),
    name: data.name ?? data.issuer,
    groupOptions: Object.freeze(data.groupOptions),
    signingAlgorithms: Object.freeze([...data.signingAlgorithms]),
    audience: typeof data.audience === 'string' ? data.audience : Object.freeze([...data.audience]),
  }) as ResolvedIssuerOptions;
}

/** Finds identifiers and names that several issuers use, and names that are the identifier of another issuer. */
export function contradictionsAmong(issuers: readonly ResolvedIssuerOptions[]): readonly string[] {
  const problems: string[] = [];
  const seen = new Map<string, ResolvedIssuerOptions>();
  const names = new Map<string, ResolvedIssuerOptions>();
  for (const each of issuers) {
    const identifiers = new Set([each.issuer, each.accessTokenIssuer ?? each.issuer].map(withoutSlash));
    for (const identifier of identifiers) {
      if (seen.has(identifier)) problems.push(`issuers: ${quoteForeign(identifier)} is listed twice`);
      seen.set(identifier, each);
    }
    if (names.has(each.name) && !problems.some((problem) => problem.includes(quoteForeign(each.name))))
      problems.push(`issuers: the name ${quoteForeign(each.name)} is used twice`);
    names.set(each.name, each);
  }
  for (const [named, each] of names) {
    const other = seen.get(withoutSlash(named));
    if (other && other !== each)
      problems.push(`issuers: the name ${quoteForeign(named)} is the issuer of another entry`);
  }
  return problems;
}

/** Finds options that must be set in the entries of several issuers, because each issuer has its own keys and endpoints. */
export function misplacedAmong(common: Said, entries: readonly unknown[] | undefined): readonly Problem[] {
  return OF_ONE_ISSUER.filter((option) => {
    if (common[option] === undefined) return false;
    if (entries === undefined) return true;
    return entries.filter((entry) => !isObject(entry) || entry[option] === undefined).length > 1;
  }).map((option) => [option, 'belongs to one issuer: set it in the entries of issuers'] as const);
}

/** Calls the application's function and resolves the options that it returns. */
export function issuerFinder(
  find: FindIssuer,
  common: Said,
  canResolveOpaque: boolean,
): (iss: string) => ResolvedIssuerOptions | undefined | Promise<ResolvedIssuerOptions | undefined> {
  const read = (iss: string, answer: unknown): ResolvedIssuerOptions | undefined => {
    if (answer === undefined || answer === null) return undefined;
    // Resolved immediately, because the application may reuse one object for several results.
    const { options, problems } = resolveIssuer(answer, common);
    if (!options) throw mistaken(problems.map(([option, problem]) => `${option}: ${problem}`).join('; '));
    const { issuer, accessTokenIssuer = issuer, clientId } = options;
    if (withoutSlash(accessTokenIssuer) !== withoutSlash(iss))
      throw mistaken(
        `called with ${quoteForeign(iss)}, it returned the issuer ${quoteForeign(accessTokenIssuer)}`,
      );
    if (clientId !== undefined && !canResolveOpaque)
      throw mistaken('it introspects, which requires the option opaqueTokenIssuer');
    return options;
  };
  return (iss) => {
    let answer: unknown;
    try {
      answer = find(iss);
    } catch (cause) {
      throw failed(cause);
    }
    if (!isThenable(answer)) return read(iss, answer);
    return Promise.resolve(answer).then(
      (settled) => read(iss, settled),
      (cause: unknown) => {
        throw failed(cause);
      },
    );
  };
}

const mistaken = (why: string): ConfigurationError =>
  new ConfigurationError('issuers: the result of the function is invalid', {
    detail: `issuers: the result of the function is invalid: ${why}`,
  });

const failed = (cause: unknown): ConfigurationError =>
  new ConfigurationError('issuers: the function failed', {
    detail: `issuers: the function failed (${cause instanceof Error ? cause.name : typeof cause})`,
    cause,
  });

/** Returns whether two results of the function have the same options; `cache` and `fetcher` are compared by identity. */
export function isSameIssuer(a: ResolvedIssuerOptions, b: ResolvedIssuerOptions): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof ResolvedIssuerOptions>;
  return [...names].every((each) =>
    each === 'cache' || each === 'fetcher'
      ? a[each] === b[each]
      : JSON.stringify(a[each]) === JSON.stringify(b[each]),
  );
}

function definedIn(values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
