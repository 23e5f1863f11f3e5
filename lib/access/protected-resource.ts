/** What must a client know before it can ask for a token for this API? RFC 9728. */
import { DPOP_ALGORITHMS } from '../binding/dpop-proof.js';
import type { RouteEntry } from '../route/route-entry.js';

export interface ResourceMetadataOptions {
  /**
   * What this API is called: a URL without fragment, https but for loopback hosts. Clients compare it with the address they
   * know the API by, and ask for tokens for it (RFC 8707): the tokens' `aud` is to be the same.
   * @default `publicUrl`, else the first `audience` that is an http(s) URL
   */
  readonly resource: string;
  /** Issuers of tokens for this API, as their own metadata spells them. @default the issuer */
  readonly authorizationServers?: readonly string[] | undefined;
  /** The scopes to ask for; an empty list publishes none. @default the scopes of all decorators */
  readonly scopesSupported?: readonly string[] | undefined;
  /** For people, who see it when they are asked for consent. */
  readonly resourceName?: string | undefined;
  /** Where developers read about this API. */
  readonly resourceDocumentation?: string | undefined;
  /** What a client may do with this API's data. */
  readonly resourcePolicyUri?: string | undefined;
  readonly resourceTosUri?: string | undefined;
}

/** What the other options say about tokens. */
export interface TokenTerms {
  readonly issuer: string;
  readonly offersDPoP: boolean;
  readonly dpop: { readonly mode: string };
  readonly validateCertificateBinding: string;
  readonly tokenResolver?: unknown;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/** Section 3.1: between the host and the path. A path of `/` alone is none. */
export function metadataUrlOf(resource: string): string {
  const url = new URL(resource);
  url.pathname = WELL_KNOWN + (url.pathname === '/' ? '' : url.pathname);
  return url.href;
}

/** Section 2. Members without elements are left out (section 3.2). */
export function describeResource(
  options: ResourceMetadataOptions,
  terms: TokenTerms,
  routes: readonly Pick<RouteEntry, 'scopes' | 'binding'>[],
): Readonly<Record<string, unknown>> {
  const asks = (binding: 'certificate' | 'dpop'): boolean =>
    routes.some((route) => route.binding.includes(binding));
  const dpopRequired = terms.dpop.mode === 'required';
  const scopes = options.scopesSupported ?? routes.flatMap((route) => route.scopes).toSorted();
  return withoutEmpty({
    resource: options.resource,
    authorization_servers: options.authorizationServers ?? [terms.issuer],
    scopes_supported: [...new Set(scopes)],
    // A resolver of the application's own may look anywhere.
    bearer_methods_supported: terms.tokenResolver === undefined ? ['header'] : [],
    resource_name: options.resourceName,
    resource_documentation: options.resourceDocumentation,
    resource_policy_uri: options.resourcePolicyUri,
    resource_tos_uri: options.resourceTosUri,
    tls_client_certificate_bound_access_tokens:
      terms.validateCertificateBinding === 'required' || asks('certificate') || undefined,
    dpop_signing_alg_values_supported:
      terms.offersDPoP || dpopRequired || asks('dpop') ? DPOP_ALGORITHMS : [],
    dpop_bound_access_tokens_required: dpopRequired || undefined,
  });
}

function withoutEmpty(members: Record<string, unknown>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}
