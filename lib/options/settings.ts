/** The schema of the options, and the environment variables of each. */
import * as z from 'zod/mini';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ReplayStore } from '../binding/replay-store.js';
import type { Fetcher } from '../issuer/provider-client.js';
import type { CertificateResolver, TokenResolver } from '../credentials/incoming-request.js';
import type { MessageTokenResolver } from '../credentials/message-token.js';
import { CLIENT_AUTH_METHODS } from '../issuer/client-authentication.js';
import type { OpaqueTokenIssuer } from './opaque-token-issuer.js';
import type { CacheOptions } from '../introspection/shared-cache.js';
import type { LoadUser } from '../principal/user-options.js';
import type { RevocationStore } from '../revocation/revocation-store.js';
import { SIGNING_ALGORITHMS } from '../jose/verify-signature.js';
import { address, issuer } from './address.js';
import { clientSecret, pem, strongSecret } from './secrets.js';

/** The variables of each option, without the prefix. Messages name the first one. */
export const VARIABLES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  issuer: ['TENANT_DOMAIN', 'ISSUER'],
  accessTokenIssuer: ['ACCESS_TOKEN_ISSUER'],
  audience: ['AUDIENCE'],
  'groupOptions.groupsClaim': ['GROUPS_CLAIM'],
  'groupOptions.matchAll': ['GROUPS_MATCH_ALL'],
  clockSkew: ['CLOCK_SKEW'],
  clockTolerance: ['CLOCK_TOLERANCE'],
  jwksCacheDuration: ['JWKS_CACHE_DURATION'],
  metadataCacheDuration: ['METADATA_CACHE_DURATION'],
  maxStale: ['MAX_STALE'],
  warmUp: ['WARM_UP'],
  responseTimeout: ['RESPONSE_TIMEOUT'],
  validateCertificateBinding: ['VALIDATE_CERTIFICATE_BINDING'],
  clientId: ['CLIENT_ID'],
  clientSecret: ['CLIENT_SECRET'],
  clientAuthMethod: ['CLIENT_AUTH_METHOD'],
  clientCertificate: ['CLIENT_CERTIFICATE'],
  clientCertificateKey: ['CLIENT_CERTIFICATE_KEY'],
  providerCa: ['PROVIDER_CA'],
  introspectJwtTokens: ['INTROSPECT_JWT_TOKENS'],
  introspectionCacheDuration: ['INTROSPECTION_CACHE_DURATION'],
  introspectionEndpoint: ['INTROSPECTION_ENDPOINT'],
  allowMissingAudience: ['ALLOW_MISSING_AUDIENCE'],
  cacheSecret: ['CACHE_SECRET'],
  'dpop.mode': ['DPOP_MODE'],
  'dpop.proofMaxAge': ['DPOP_PROOF_MAX_AGE'],
  'dpop.nonce': ['DPOP_NONCE'],
  publicUrl: ['PUBLIC_URL'],
  resourceMetadata: ['RESOURCE_METADATA'],
  audit: ['AUDIT'],
  auditIgnore: ['AUDIT_IGNORE'],
  jwksUri: ['JWKS_URI'],
  signingAlgorithms: ['SIGNING_ALGORITHMS'],
  requireAccessTokenType: ['REQUIRE_ACCESS_TOKEN_TYPE'],
  userProperty: ['USER_PROPERTY'],
  'tokenExchange.grant': ['TOKEN_EXCHANGE_GRANT'],
  profile: ['PROFILE'],
  revocationDuration: ['REVOCATION_DURATION'],
  backChannelLogout: ['BACKCHANNEL_LOGOUT'],
  logoutAudience: ['LOGOUT_AUDIENCE'],
};

/** Options that are lists. Their variables are split at commas. */
export const LISTS: ReadonlySet<string> = new Set(['audience', 'signingAlgorithms', 'auditIgnore']);

const complain = (about: string) => ({
  error: ({ input }: { readonly input?: unknown }): string =>
    input === undefined ? 'required' : `${quoteForeign(input)} ${about}`,
});

/** Converts strings. `ConfigService` returns strings, or values that the application's own validation has converted. */
function converted<Schema extends z.ZodMiniType>(convert: (text: string) => unknown, schema: Schema) {
  return z.pipe(
    z.transform((value: unknown) => (typeof value === 'string' ? convert(value.trim()) : value)),
    schema,
  );
}

const toNumber = (text: string): unknown => (/^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text);
const toBoolean = (text: string): unknown => ({ true: true, false: false })[text.toLowerCase()] ?? text;

const seconds = converted(toNumber, z.number(complain('is not a number of seconds')));
const duration = converted(
  toNumber,
  z.number(complain('is not a number of seconds')).check(z.minimum(0, complain('is less than 0 seconds'))),
);
const timeout = converted(
  toNumber,
  z.number(complain('is not a number of seconds')).check(z.positive(complain('is not more than 0 seconds'))),
);
const flag = converted(toBoolean, z.boolean(complain('is neither true nor false')));
const text = z.string(complain('is not a string')).check(z.minLength(1, 'is empty'));
const callable = <Type>() =>
  z.optional(z.custom<Type>((value) => typeof value === 'function', 'is not a function'));

const audience = z.union(
  [text, z.array(text).check(z.minLength(1, 'is empty'))],
  complain('is not a string or a list of strings'),
);

const algorithm = z.enum(SIGNING_ALGORITHMS, complain(`is not one of ${SIGNING_ALGORITHMS.join(', ')}`));

/** `true` becomes an object without members, `false` becomes `undefined`. */
const resourceMetadata = z.pipe(
  z.transform((value: unknown) => {
    const said = typeof value === 'string' ? toBoolean(value.trim()) : value;
    if (said === true) return {};
    return said === false ? undefined : said;
  }),
  z.optional(
    z.strictObject(
      {
        resource: z.optional(address),
        authorizationServers: z.optional(z.array(issuer).check(z.minLength(1, 'is empty'))),
        scopesSupported: z.optional(z.array(text)),
        resourceName: z.optional(text),
        resourceDocumentation: z.optional(address),
        resourcePolicyUri: z.optional(address),
        resourceTosUri: z.optional(address),
      },
      complain('is neither true nor false'),
    ),
  ),
);

/** The path of a route, from the root of the host. Routers interpret other characters as a pattern or an escape. */
const path = z
  .string(complain('is not a path'))
  .check(
    z.regex(
      /^\/[\w\-.~@/]+$/,
      complain('is not a path of letters, digits and - . _ ~ @ / that begins with /'),
    ),
  );

export const DEFAULT_LOGOUT_PATH = '/backchannel-logout';

/** A variable holds `true`, `false` or the path. */
const backChannelLogout = z.pipe(
  z.transform((value: unknown) => {
    const said = typeof value === 'string' ? toBoolean(value.trim()) : value;
    if (said === false) return undefined;
    return said === true ? {} : typeof said === 'string' ? { path: said } : said;
  }),
  z.optional(
    z.strictObject(
      { path: z._default(path, DEFAULT_LOGOUT_PATH) },
      complain('is neither true nor false, nor a path'),
    ),
  ),
);

const revocationStore = z.custom<RevocationStore>((value: unknown) => {
  const store = value as Record<string, unknown> | null | undefined;
  return ['add', 'list', 'subscribe'].every((name) => typeof store?.[name] === 'function');
}, 'has no add, list and subscribe');

/** The text `false` in a variable disables the option. */
const userProperty = converted(
  (name) => (name.toLowerCase() === 'false' ? false : name),
  z.union([z.literal(false), text], 'is neither a name nor false'),
);

const sharedCache = z.custom<NonNullable<CacheOptions['cache']>>((value: unknown) => {
  const cache = value as Record<string, unknown> | null | undefined;
  const has = (name: string): boolean => typeof cache?.[name] === 'function';
  return has('get') && has('set') && (has('delete') || has('del'));
}, 'has no get, set and delete (or del)');

/**
 * The schema of the options, with their defaults.
 *
 * @internal
 */
export const optionsSchema = z.strictObject({
  issuer,
  issuers: z.optional(z.unknown()),
  accessTokenIssuer: z.optional(text),
  audience,
  groupOptions: z.strictObject({
    groupsClaim: z._default(text, 'groups'),
    matchAll: z._default(flag, false),
  }),
  clockSkew: z._default(seconds, 0),
  clockTolerance: z._default(duration, 300),
  jwksCacheDuration: z._default(duration, 300),
  metadataCacheDuration: z._default(duration, 300),
  maxStale: z._default(duration, 86_400),
  warmUp: z._default(
    z.enum(['background', 'required', 'off'], complain('is not one of background, required, off')),
    'background',
  ),
  responseTimeout: z._default(timeout, 10),
  validateCertificateBinding: z._default(
    z.enum(['required', 'when_present'], complain('is neither required nor when_present')),
    'when_present',
  ),
  clientId: z.optional(text),
  clientSecret: z.optional(clientSecret),
  clientAuthMethod: z._default(
    z.enum(CLIENT_AUTH_METHODS, complain(`is not one of ${CLIENT_AUTH_METHODS.join(', ')}`)),
    'client_secret_post',
  ),
  clientCertificate: z.optional(pem('a certificate')),
  clientCertificateKey: z.optional(pem('a key')),
  providerCa: z.optional(pem('a certificate')),
  introspectJwtTokens: z._default(flag, false),
  introspectionCacheDuration: z._default(duration, 300),
  introspectionEndpoint: z.optional(address),
  allowMissingAudience: z._default(flag, false),
  cache: z.optional(sharedCache),
  cacheSecret: z.optional(strongSecret),
  dpop: z.strictObject({
    mode: z._default(
      z.enum(['when_present', 'required', 'off'], complain('is not one of when_present, required, off')),
      'when_present',
    ),
    proofMaxAge: z._default(timeout, 60),
    nonce: z.optional(strongSecret),
    replayStore: z.optional(
      z.custom<ReplayStore>(
        (value) => typeof (value as { add?: unknown } | null)?.add === 'function',
        'has no add',
      ),
    ),
  }),
  publicUrl: z.optional(issuer),
  resourceMetadata: z.optional(resourceMetadata),
  audit: z._default(z.enum(['off', 'warn', 'error'], complain('is not one of off, warn, error')), 'off'),
  auditIgnore: z._default(z.array(text), []),
  jwksUri: z.optional(address),
  signingAlgorithms: z._default(z.array(algorithm).check(z.minLength(1, 'is empty')), [
    ...SIGNING_ALGORITHMS,
  ]),
  requireAccessTokenType: z._default(flag, false),
  allowInsecureRequests: z._default(flag, false),
  opaqueTokenIssuer: callable<OpaqueTokenIssuer>(),
  tokenResolver: callable<TokenResolver>(),
  messageTokenResolver: callable<MessageTokenResolver>(),
  certificateResolver: callable<CertificateResolver>(),
  loadUser: callable<LoadUser>(),
  userProperty: z._default(userProperty, 'user'),
  tokenExchange: z.strictObject({
    grant: z._default(
      z.enum(['token-exchange', 'jwt-bearer'], complain('is neither token-exchange nor jwt-bearer')),
      'token-exchange',
    ),
  }),
  profile: z.optional(z.enum(['fapi2'], complain('is not fapi2, the only profile'))),
  revocationStore: z.optional(revocationStore),
  revocationDuration: z._default(
    converted(
      toNumber,
      z
        .number(complain('is not a number of seconds'))
        .check(z.positive(complain('is not more than 0 seconds'))),
    ),
    86_400,
  ),
  backChannelLogout: z.optional(backChannelLogout),
  logoutAudience: z.optional(text),
  securityEvents: z.optional(
    z.strictObject({
      path,
      audience,
      issuer: z.optional(issuer),
      jwksUri: z.optional(address),
      authorizationHeader: z.optional(z.string('is not a string').check(z.minLength(1, 'is empty'))),
    }),
  ),
  fetcher: callable<Fetcher>(),
});

/**
 * The schema for several issuers, whose entries may set the issuer and the audience.
 *
 * @internal
 */
export const optionsSchemaOfSeveral = z.extend(optionsSchema, {
  issuer: z.optional(issuer),
  audience: z.optional(audience),
});
