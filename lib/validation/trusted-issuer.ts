/** Everything that judges tokens, made once from the options. Knows no Nest: a script can have it, too. */
import type { Log } from '../errors/log.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { CircuitBreaker } from '../issuer/circuit-breaker.js';
import { IntrospectionCache } from '../introspection/introspection-cache.js';
import { IntrospectionClient } from '../introspection/introspection-client.js';
import { IssuerKeys } from '../issuer/issuer-keys.js';
import { IssuerMetadataSource } from '../issuer/issuer-metadata.js';
import { JwtTokenValidator } from '../token/jwt-token.validator.js';
import { OpaqueTokenValidator } from '../introspection/opaque-token.validator.js';
import { ProviderClient } from '../issuer/provider-client.js';
import { ProviderConnection } from '../issuer/provider-connection.js';
import { cacheSecretOf, Sealer } from '../introspection/sealed-value.js';
import { SharedAnswers } from '../introspection/shared-answers.js';
import { SharedCache } from '../introspection/shared-cache.js';
import { SignatureVerifier } from '../issuer/signature-verifier.js';
import { TokenValidator } from './token-validator.js';

export interface TrustedIssuer {
  readonly options: ResolvedOptions;
  readonly client: ProviderClient;
  readonly validator: TokenValidator;
  readonly connection: ProviderConnection;
  readonly metadata: IssuerMetadataSource;
  readonly keys: IssuerKeys;
  readonly signatures: SignatureVerifier;
  /** `undefined` where introspection is not configured. */
  readonly introspectionClient: IntrospectionClient | undefined;
}

/** @param client what asks the provider */
export function createTrustedIssuer(
  options: ResolvedOptions,
  log: Log,
  client: ProviderClient = new ProviderClient(options),
): TrustedIssuer {
  const metadata = new IssuerMetadataSource(client, options, log);
  const keys = new IssuerKeys(metadata, client, options, log);
  const signatures = new SignatureVerifier(keys, options);
  const breaker = new CircuitBreaker(options);
  const jwts = new JwtTokenValidator(keys, signatures, options);

  let introspectionClient: IntrospectionClient | undefined;
  let introspection: OpaqueTokenValidator | undefined;
  if (options.clientId !== undefined) {
    const cache = new IntrospectionCache(options, shareAnswers(options, log));
    introspectionClient = new IntrospectionClient(metadata, client, signatures, breaker, options, log);
    introspection = new OpaqueTokenValidator(introspectionClient, cache, options);
  }
  return {
    options,
    client,
    validator: new TokenValidator(jwts, introspection, options, log),
    connection: new ProviderConnection(client, metadata, keys, breaker, options),
    metadata,
    keys,
    signatures,
    introspectionClient,
  };
}

function shareAnswers(options: ResolvedOptions, log: Log): SharedAnswers | undefined {
  if (!options.cache) return undefined;
  return new SharedAnswers(
    new SharedCache(options.cache, log),
    new Sealer(cacheSecretOf(options) ?? ''),
    options,
  );
}
