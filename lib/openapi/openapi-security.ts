/** Creates security schemes and security requirements of an OpenAPI document from the requirements of routes. */
import type { RouteEntry } from '../route-table/route-entry.js';

/** Options of {@link applyResourceServerSecurity}. */
export interface ResourceServerSecurityOptions {
  /** The name of the access token's scheme. @default 'accessToken' */
  readonly name?: string;
  /**
   * `openIdConnect`: the scheme contains the URL of the issuer's discovery document. `bearer`: tools let users enter a token, for
   * providers without discovery; descriptions list the scopes, because OpenAPI 3.0 allows none with it. With `tokenUrl` or
   * `authorizationUrl` the type is `oauth2`. @default 'openIdConnect'
   */
  readonly type?: 'openIdConnect' | 'bearer';
  /**
   * The provider's authorization endpoint: the scheme is `oauth2` with the authorization code flow. Requires `tokenUrl`.
   */
  readonly authorizationUrl?: string;
  /**
   * The provider's token endpoint: the scheme is `oauth2`; without `authorizationUrl` with the client credentials flow.
   */
  readonly tokenUrl?: string;
}

/** The part of an issuer that a document contains. */
export interface DocumentedIssuer {
  readonly name: string;
  readonly issuer: string;
}

type Requirement = Record<string, string[]>;

const DEFAULT_NAME = 'accessToken';
const PROOF = 'dpopProof';
const CERTIFICATE = 'clientCertificate';

/** Returns the alternative security requirements of an operation that these routes implement; `[]` if all of them are public. */
export function alternativesFor(
  routes: readonly RouteEntry[],
  openapi: string,
  issuers: readonly DocumentedIssuer[],
  options: ResourceServerSecurityOptions,
): Requirement[] {
  if (routes.every(({ access }) => access === 'public')) return [];
  const requirements = routes
    .filter(({ access }) => access !== 'public')
    .flatMap((route) =>
      schemeNamesFor(route, issuers, options).map((name) => requirementOf(name, route, openapi, options)),
    );
  const withoutToken = routes.some(({ access }) => access !== 'protected');
  const alternatives = [...(withoutToken ? [{}] : []), ...requirements];
  return [...new Map(alternatives.map((each) => [JSON.stringify(each), each])).values()];
}

/** If several issuers are configured, there is one scheme for each issuer whose tokens the route accepts. */
function schemeNamesFor(
  route: RouteEntry,
  issuers: readonly DocumentedIssuer[],
  options: ResourceServerSecurityOptions,
): readonly string[] {
  const { name = DEFAULT_NAME } = options;
  if (!hasSchemePerIssuer(issuers, options)) return [name];
  return issuers
    .filter((issuer) => route.issuers === undefined || route.issuers.includes(issuer.name))
    .map((issuer) => schemeNameOf(issuer, options));
}

/** Only the type `openIdConnect` contains an issuer. */
function hasSchemePerIssuer(
  issuers: readonly DocumentedIssuer[],
  { type = 'openIdConnect', tokenUrl }: ResourceServerSecurityOptions,
): boolean {
  return issuers.length > 1 && type === 'openIdConnect' && tokenUrl === undefined;
}

/** Names of components may contain only letters, digits and `. - _`. */
function schemeNameOf(
  { name: issuer }: DocumentedIssuer,
  { name = DEFAULT_NAME }: ResourceServerSecurityOptions,
): string {
  return `${name}.${issuer.replace(/^https?:\/\//, '').replaceAll(/[^\w.-]+/g, '_')}`;
}

function requirementOf(
  name: string,
  { scopes, binding }: RouteEntry,
  openapi: string,
  options: ResourceServerSecurityOptions,
): Requirement {
  return {
    [name]: takesScopes(options) ? [...scopes] : [],
    ...(binding.includes('dpop') && { [PROOF]: [] }),
    ...(binding.includes('certificate') && hasMutualTls(openapi) && { [CERTIFICATE]: [] }),
  };
}

/** Returns the schemes that the routes in the document use. */
export function securitySchemes(
  routes: readonly RouteEntry[],
  openapi: string,
  issuers: readonly DocumentedIssuer[],
  options: ResourceServerSecurityOptions,
): Record<string, object> {
  const guarded = routes.filter(({ access }) => access !== 'public');
  if (guarded.length === 0) return {};
  const scopes = [...new Set(guarded.flatMap((route) => route.scopes))].toSorted();
  const binds = (kind: RouteEntry['binding'][number]): boolean =>
    guarded.some(({ binding }) => binding.includes(kind));
  return {
    ...tokenSchemes(guarded, scopes, issuers, options),
    ...(binds('dpop') && {
      [PROOF]: {
        type: 'apiKey',
        in: 'header',
        name: 'DPoP',
        description:
          'A proof of possession for this request (RFC 9449); send the token with the scheme DPoP.',
      },
    }),
    ...(binds('certificate') &&
      hasMutualTls(openapi) && {
        [CERTIFICATE]: {
          type: 'mutualTLS',
          description: 'The client certificate that the token is bound to (RFC 8705).',
        },
      }),
  };
}

function tokenSchemes(
  routes: readonly RouteEntry[],
  scopes: readonly string[],
  issuers: readonly DocumentedIssuer[],
  options: ResourceServerSecurityOptions,
): Record<string, object> {
  if (!hasSchemePerIssuer(issuers, options)) {
    const { name = DEFAULT_NAME } = options;
    return { [name]: tokenScheme(scopes, issuers, options) };
  }
  const used = new Set(routes.flatMap((route) => schemeNamesFor(route, issuers, options)));
  return Object.fromEntries(
    issuers
      .map((issuer) => [schemeNameOf(issuer, options), tokenScheme(scopes, [issuer], options)] as const)
      .filter(([name]) => used.has(name)),
  );
}

/** @param issuers empty if they are not known at start-up */
function tokenScheme(
  scopes: readonly string[],
  issuers: readonly DocumentedIssuer[],
  options: ResourceServerSecurityOptions,
): object {
  const { type = 'openIdConnect', authorizationUrl, tokenUrl } = options;
  const whose =
    issuers.length === 0 ? 'the caller’s tenant' : issuers.map(({ issuer }) => issuer).join(' or ');
  const description = `An access token of ${whose}.${scopes.length > 0 ? ` Scopes in use: ${scopes.join(' ')}.` : ''}`;
  if (authorizationUrl !== undefined && tokenUrl === undefined) {
    throw new TypeError('applyResourceServerSecurity(): authorizationUrl requires tokenUrl');
  }
  if (tokenUrl !== undefined) {
    const flow = { tokenUrl, scopes: Object.fromEntries(scopes.map((scope) => [scope, ''])) };
    const flows =
      authorizationUrl === undefined
        ? { clientCredentials: flow }
        : { authorizationCode: { authorizationUrl, ...flow } };
    return { type: 'oauth2', description, flows };
  }
  const [first] = issuers;
  if (type === 'bearer' || !first) return { type: 'http', scheme: 'bearer', description };
  const openIdConnectUrl = `${first.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return { type: 'openIdConnect', description, openIdConnectUrl };
}

/** OpenAPI 3.0, Security Requirement Object: the list must be empty for types other than `oauth2` and `openIdConnect`. */
function takesScopes({ type, tokenUrl }: ResourceServerSecurityOptions): boolean {
  return tokenUrl !== undefined || type !== 'bearer';
}

/** OpenAPI has this type since version 3.1. */
function hasMutualTls(openapi: string): boolean {
  return !openapi.startsWith('3.0');
}
