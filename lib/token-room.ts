/** Everything that judges tokens, made once from the options. Knows no Nest: a script can have it, too. */
import type { Log } from './errors/log.js';
import type { ResolvedOptions } from './options/auth-options.js';
import { CircuitBreaker } from './token/circuit-breaker.js';
import { IntrospectionCache } from './token/introspection-cache.js';
import { IntrospectionClient } from './token/introspection-client.js';
import { IssuerKeys } from './token/issuer-keys.js';
import { IssuerMetadataSource } from './token/issuer-metadata.js';
import { JwtTokenValidator } from './token/jwt-token.validator.js';
import { OpaqueTokenValidator } from './token/opaque-token.validator.js';
import { ProviderClient } from './token/provider-client.js';
import { ProviderConnection } from './token/provider-connection.js';
import { Sealer } from './token/sealed-value.js';
import { SharedCache } from './token/shared-cache.js';
import { SignatureVerifier } from './token/signature-verifier.js';
import { TokenValidator, type Introspection } from './token/token-validator.js';

export interface TokenRoom {
  readonly validator: TokenValidator;
  readonly connection: ProviderConnection;
  readonly metadata: IssuerMetadataSource;
  readonly keys: IssuerKeys;
  readonly signatures: SignatureVerifier;
  /** `undefined` where introspection is not configured. */
  readonly asking: IntrospectionClient | undefined;
}

/** @param client what asks the provider */
export function furnishTokenRoom(
  options: ResolvedOptions,
  log: Log,
  client: ProviderClient = new ProviderClient(options),
): TokenRoom {
  const metadata = new IssuerMetadataSource(client, options, log);
  const keys = new IssuerKeys(metadata, client, options, log);
  const signatures = new SignatureVerifier(keys, options);
  const breaker = new CircuitBreaker();
  const jwts = new JwtTokenValidator(keys, signatures, options);

  let asking: IntrospectionClient | undefined;
  let introspection: Introspection | undefined;
  if (options.clientId !== undefined) {
    const shared = options.cache && new SharedCache(options.cache, log);
    const cache = new IntrospectionCache(options, new Sealer(sharedSecretOf(options)), shared);
    asking = new IntrospectionClient(metadata, client, signatures, breaker, options, log);
    introspection = { tokens: new OpaqueTokenValidator(asking, cache, options), cache };
  }
  return {
    validator: new TokenValidator(jwts, introspection, options, log),
    connection: new ProviderConnection(client, metadata, keys, breaker, options),
    metadata,
    keys,
    signatures,
    asking,
  };
}

/** What all instances of this API hold and nobody else does. */
function sharedSecretOf({ clientSecret, clientCertificateKey }: ResolvedOptions): string {
  return (typeof clientSecret === 'string' ? clientSecret : clientSecret?.d) ?? clientCertificateKey ?? '';
}
