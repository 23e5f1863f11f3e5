/** Where does the provider describe itself, as whom, and does it bind tokens as this API asks for? */
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { IssuerMetadata } from '../issuer/issuer-metadata.js';
import { withoutQuery } from '../issuer/provider-answer.js';
import type { Finding } from './findings.js';
import type { WatchedCall } from './watched-client.js';

export function checkMetadata(
  metadata: IssuerMetadata,
  calls: readonly WatchedCall[],
  options: ResolvedOptions,
): readonly Finding[] {
  const { issuer } = options;
  const answered = calls.find(({ operation, status }) => operation === 'discovery' && status === 200);
  const slash =
    metadata.issuer === issuer ? '' : '; the configured one differs by a trailing slash, which does no harm';
  return [
    answered
      ? { status: 'ok', check: 'discovery', found: withoutQuery(answered.url) }
      : {
          status: 'warn',
          check: 'discovery',
          found: 'the provider has none; what is configured is used',
          change: 'is that the issuer?',
        },
    checkTokenIssuer(metadata, slash, options),
    checkTransport(issuer, options),
  ];
}

/** AD FS names another issuer of access tokens than its own. */
function checkTokenIssuer(
  { issuer, access_token_issuer: named }: IssuerMetadata,
  slash: string,
  { accessTokenIssuer = issuer }: ResolvedOptions,
): Finding {
  const found = `${quoteForeign(accessTokenIssuer)}, as iss must say${slash}`;
  if (named === undefined || named === accessTokenIssuer) return { status: 'ok', check: 'issuer', found };
  return {
    status: 'warn',
    check: 'issuer',
    found: `${found}; access_token_issuer of the provider is ${quoteForeign(named)}`,
    change: 'set accessTokenIssuer to what the provider says, if its access tokens say so, too',
  };
}

function checkTransport(issuer: string, { allowInsecureRequests }: ResolvedOptions): Finding {
  if (issuer.startsWith('https:')) return { status: 'ok', check: 'transport', found: 'https' };
  return allowInsecureRequests
    ? {
        status: 'warn',
        check: 'transport',
        found: 'http: whoever stands in between can forge keys',
        change: 'for test networks only: use https',
      }
    : { status: 'ok', check: 'transport', found: 'http, which is accepted on this machine only' };
}

/** Only where the options ask for a binding. */
export function checkBinding(metadata: IssuerMetadata, options: ResolvedOptions): readonly Finding[] {
  const said = metadata as unknown as Readonly<Record<string, unknown>>;
  const findings: Finding[] = [];
  if (options.offersDPoP) {
    const algorithms = said['dpop_signing_alg_values_supported'];
    findings.push(
      Array.isArray(algorithms)
        ? {
            status: 'ok',
            check: 'DPoP',
            found: `the provider binds tokens: ${algorithms.slice(0, 12).map(quoteForeign).join(', ')}`,
          }
        : doubt('DPoP', 'dpop_signing_alg_values_supported', 'dpop.mode'),
    );
  }
  if (options.validateCertificateBinding === 'required')
    findings.push(
      said['tls_client_certificate_bound_access_tokens'] === true
        ? { status: 'ok', check: 'mTLS', found: 'the provider binds tokens to certificates' }
        : doubt('mTLS', 'tls_client_certificate_bound_access_tokens', 'validateCertificateBinding'),
    );
  return findings;
}

function doubt(check: string, member: string, option: string): Finding {
  return {
    status: 'warn',
    check,
    found: `the metadata of the provider has no ${member}`,
    change: `switch it on there, or change ${option}: without it no token is bound`,
  };
}
