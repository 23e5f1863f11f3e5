/** Creates the protected resource metadata that a client reads before it requests a token for this API. RFC 9728. */
import type { ResourceMetadataOptions } from '../options/resource.js';
import type { ControllerRoute } from '../route-table/controller-routes.js';

/** The other options that the document is created from. */
export interface TokenTerms {
  /** The issuers as in their own metadata; empty if they are not known. */
  readonly issuers: readonly string[];
  readonly offersDPoP: boolean;
  readonly proofAlgorithms: readonly string[];
  readonly profile?: string | undefined;
  readonly dpop: { readonly mode: string };
  readonly validateCertificateBinding: string;
  readonly tokenResolver?: unknown;
}

/** Section 2. Members without elements are omitted (section 3.2). */
export function describeResource(
  options: ResourceMetadataOptions,
  terms: TokenTerms,
  routes: readonly Pick<ControllerRoute, 'mentionedScopes' | 'binding'>[],
): Readonly<Record<string, unknown>> {
  const asks = (binding: 'certificate' | 'dpop'): boolean =>
    routes.some((route) => route.binding.includes(binding));
  const dpopRequired = terms.dpop.mode === 'required';
  const scopes = options.scopesSupported ?? routes.flatMap((route) => route.mentionedScopes).toSorted();
  return withoutEmpty({
    resource: options.resource,
    authorization_servers: options.authorizationServers ?? terms.issuers,
    scopes_supported: [...new Set(scopes)],
    // A resolver of the application may read the token from any place.
    bearer_methods_supported: terms.tokenResolver === undefined ? ['header'] : [],
    resource_name: options.resourceName,
    resource_documentation: options.resourceDocumentation,
    resource_policy_uri: options.resourcePolicyUri,
    resource_tos_uri: options.resourceTosUri,
    tls_client_certificate_bound_access_tokens:
      terms.validateCertificateBinding === 'required' ||
      terms.profile === 'fapi2' ||
      asks('certificate') ||
      undefined,
    dpop_signing_alg_values_supported:
      terms.offersDPoP || dpopRequired || asks('dpop') ? terms.proofAlgorithms : [],
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
