/** Checks the provider's metadata: its URL, its issuer, and the bindings of tokens that this API requires. */
import { quoteForeign } from '../errors/quote-foreign.js';
import type { IssuerMetadata } from '../issuer/issuer-metadata.js';
import { withoutQuery } from '../issuer/provider-answer.js';
import type { Finding } from './findings.js';
import type { IssuerSettings } from './issuer-settings.js';
import type { WatchedCall } from './watched-client.js';

/** @param isNeeded whether requests need discovery: without it, `iss` must equal the configured issuer */
export function checkMetadata(
  metadata: IssuerMetadata,
  calls: readonly WatchedCall[],
  options: IssuerSettings,
  isNeeded: boolean,
): readonly Finding[] {
  return [
    checkDiscovery(metadata, calls, isNeeded),
    checkName(metadata, options, isNeeded),
    checkTransport(options.issuer, options),
  ];
}

function checkDiscovery(
  { jwks_uri }: IssuerMetadata,
  calls: readonly WatchedCall[],
  isNeeded: boolean,
): Finding {
  const check = 'discovery';
  const answered = calls.find(({ operation, status }) => operation === check && status === 200);
  if (answered && (isNeeded || jwks_uri !== undefined)) {
    return { status: 'ok', check, found: withoutQuery(answered.url) };
  }
  const found = 'the provider has none; the configured addresses are used';
  return { status: 'warn', check, found, change: 'check the issuer' };
}

/** Reports the value that `iss` must have. AD FS uses a different issuer for access tokens (`access_token_issuer`). */
function checkName(
  { issuer, access_token_issuer: named }: IssuerMetadata,
  options: IssuerSettings,
  isNeeded: boolean,
): Finding {
  const check = 'issuer';
  const { accessTokenIssuer = isNeeded ? issuer : options.issuer } = options;
  const name = `${quoteForeign(accessTokenIssuer)}: iss must equal this`;
  const slash = '; the configured issuer differs by a trailing slash, which is accepted';
  const found = isNeeded && issuer !== options.issuer ? name + slash : name;
  if (named !== undefined && named !== accessTokenIssuer) {
    return {
      status: 'warn',
      check,
      found: `${found}; access_token_issuer of the provider is ${quoteForeign(named)}`,
      change: 'set accessTokenIssuer to this value if iss of the access tokens has it',
    };
  }
  const isCorrected = isNeeded || options.accessTokenIssuer !== undefined || issuer === options.issuer;
  if (isCorrected) return { status: 'ok', check, found };
  return {
    status: 'warn',
    check,
    found: `${found}; the issuer in the provider's metadata is ${quoteForeign(issuer)}`,
    change:
      'configure the issuer exactly as the provider writes it: with jwksUri, discovery does not correct it',
  };
}

function checkTransport(issuer: string, { allowInsecureRequests }: IssuerSettings): Finding {
  if (issuer.startsWith('https:')) return { status: 'ok', check: 'transport', found: 'https' };
  return allowInsecureRequests
    ? {
        status: 'warn',
        check: 'transport',
        found: 'http: keys can be forged in transit',
        change: 'for test networks only: use https',
      }
    : { status: 'ok', check: 'transport', found: 'http, accepted for loopback hosts only' };
}

/** Checks support for the bindings that the options enable; returns nothing for others. */
export function checkBinding(metadata: IssuerMetadata, options: IssuerSettings): readonly Finding[] {
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
    change: `enable it at the provider, or change ${option}: without it no token is bound`,
  };
}
