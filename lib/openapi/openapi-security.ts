/** How does an OpenAPI document name what a route asks? */
import type { RouteEntry } from '../route-table/route-entry.js';

export interface ResourceServerSecurityOptions {
  /** The name of the access token's scheme. @default 'accessToken' */
  readonly name?: string;
  /**
   * `openIdConnect`: tools find the provider by its discovery document. `bearer`: they only ask for a token, for
   * providers without discovery; scopes stand in the descriptions then, since OpenAPI 3.0 allows none beside it. Made
   * `oauth2` by `tokenUrl` or `authorizationUrl`. @default 'openIdConnect'
   */
  readonly type?: 'openIdConnect' | 'bearer';
  /** The provider's authorization endpoint: the scheme is `oauth2` with the flow authorization code, and needs `tokenUrl`. */
  readonly authorizationUrl?: string;
  /** The provider's token endpoint: the scheme is `oauth2`, with client credentials without an `authorizationUrl`. */
  readonly tokenUrl?: string;
}

type Requirement = Record<string, string[]>;

const DEFAULT_NAME = 'accessToken';
const PROOF = 'dpopProof';
const CERTIFICATE = 'clientCertificate';

/** The alternatives of an operation that these routes stand behind: `[]` where no token is ever looked at. */
export function alternativesFor(
  routes: readonly RouteEntry[],
  openapi: string,
  options: ResourceServerSecurityOptions,
): Requirement[] {
  if (routes.every(({ access }) => access === 'public')) return [];
  const requirements = routes
    .filter(({ access }) => access !== 'public')
    .map((route) => requirementOf(route, openapi, options));
  const withoutToken = routes.some(({ access }) => access !== 'protected');
  const alternatives = [...(withoutToken ? [{}] : []), ...requirements];
  return [...new Map(alternatives.map((each) => [JSON.stringify(each), each])).values()];
}

function requirementOf(
  { scopes, binding }: RouteEntry,
  openapi: string,
  options: ResourceServerSecurityOptions,
): Requirement {
  const { name = DEFAULT_NAME } = options;
  return {
    [name]: takesScopes(options) ? [...scopes] : [],
    ...(binding.includes('dpop') && { [PROOF]: [] }),
    ...(binding.includes('certificate') && hasMutualTls(openapi) && { [CERTIFICATE]: [] }),
  };
}

/** The schemes that the routes in the document use. */
export function securitySchemes(
  routes: readonly RouteEntry[],
  openapi: string,
  issuer: string,
  options: ResourceServerSecurityOptions,
): Record<string, object> {
  const guarded = routes.filter(({ access }) => access !== 'public');
  if (guarded.length === 0) return {};
  const scopes = [...new Set(guarded.flatMap((route) => route.scopes))].toSorted();
  const binds = (kind: RouteEntry['binding'][number]): boolean =>
    guarded.some(({ binding }) => binding.includes(kind));
  return {
    [options.name ?? DEFAULT_NAME]: tokenScheme(scopes, issuer, options),
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

function tokenScheme(
  scopes: readonly string[],
  issuer: string,
  options: ResourceServerSecurityOptions,
): object {
  const { type = 'openIdConnect', authorizationUrl, tokenUrl } = options;
  const description = `An access token of ${issuer}.${scopes.length > 0 ? ` Scopes in use: ${scopes.join(' ')}.` : ''}`;
  if (authorizationUrl !== undefined && tokenUrl === undefined) {
    throw new TypeError('applyResourceServerSecurity(): authorizationUrl needs tokenUrl');
  }
  if (tokenUrl !== undefined) {
    const flow = { tokenUrl, scopes: Object.fromEntries(scopes.map((scope) => [scope, ''])) };
    const flows =
      authorizationUrl === undefined
        ? { clientCredentials: flow }
        : { authorizationCode: { authorizationUrl, ...flow } };
    return { type: 'oauth2', description, flows };
  }
  if (type === 'bearer') return { type: 'http', scheme: 'bearer', description };
  const openIdConnectUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return { type: 'openIdConnect', description, openIdConnectUrl };
}

/** OpenAPI 3.0, Security Requirement Object: but for `oauth2` and `openIdConnect` the list must be empty. */
function takesScopes({ type, tokenUrl }: ResourceServerSecurityOptions): boolean {
  return tokenUrl !== undefined || type !== 'bearer';
}

/** The type came with OpenAPI 3.1. */
function hasMutualTls(openapi: string): boolean {
  return !openapi.startsWith('3.0');
}
