/** A trusted issuer with what validates its tokens. Knows no Nest: a script can have it, too. */
import type { Log } from '../errors/log.js';
import { IntrospectionCache } from '../introspection/introspection-cache.js';
import { IntrospectionClient } from '../introspection/introspection-client.js';
import { OpaqueTokenValidator } from '../introspection/opaque-token.validator.js';
import { cacheSecretOf, Sealer } from '../introspection/sealed-value.js';
import { SharedAnswers } from '../introspection/shared-answers.js';
import { SharedCache } from '../introspection/shared-cache.js';
import { TrustedIssuer, type IssuerParts } from '../issuer/trusted-issuer.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { VerificationQueue } from '../timing/verification-queue.js';
import { JwtTokenValidator, VerifiedJwts } from '../token/jwt-token.validator.js';

/** What the issuers of a module share. */
export interface ValidatingParts extends IssuerParts {
  readonly queue: VerificationQueue;
  readonly verified: VerifiedJwts;
}

export class ValidatingIssuer extends TrustedIssuer {
  readonly jwts: JwtTokenValidator;
  /** `undefined` where introspection is not configured. */
  readonly introspectionClient: IntrospectionClient | undefined;
  /** `undefined` where introspection is not configured. */
  readonly introspection: OpaqueTokenValidator | undefined;

  constructor(
    readonly options: ResolvedOptions,
    log: Log,
    parts: ValidatingParts = { queue: new VerificationQueue(), verified: new VerifiedJwts() },
  ) {
    super(options, log, parts);
    this.jwts = new JwtTokenValidator(this, parts.verified, parts.queue, options);
    if (options.clientId === undefined) return;
    const { metadata, client, signatures, breaker } = this;
    const cache = new IntrospectionCache(options, shareAnswers(options, log));
    this.introspectionClient = new IntrospectionClient(metadata, client, signatures, breaker, options, log);
    this.introspection = new OpaqueTokenValidator(this, this.introspectionClient, cache, options);
  }
}

function shareAnswers(options: ResolvedOptions, log: Log): SharedAnswers | undefined {
  if (!options.cache) return undefined;
  return new SharedAnswers(
    new SharedCache(options.cache, log),
    new Sealer(cacheSecretOf(options) ?? ''),
    options,
  );
}
