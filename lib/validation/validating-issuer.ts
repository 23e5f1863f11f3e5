/** Represents a trusted issuer with the validators of its tokens. Does not import Nest, so that scripts can use it. */
import type { Log } from '../errors/log.js';
import { IntrospectionCache, MAX_ANSWERS } from '../introspection/introspection-cache.js';
import { IntrospectionClient } from '../introspection/introspection-client.js';
import { OpaqueTokenValidator } from '../introspection/opaque-token.validator.js';
import { cacheSecretOf, Sealer } from '../introspection/sealed-value.js';
import { SharedAnswers } from '../introspection/shared-answers.js';
import { SharedCache } from '../introspection/shared-cache.js';
import { TrustedIssuer, type IssuerParts } from '../issuer/trusted-issuer.js';
import type { ResolvedIssuerOptions } from '../options/issuers.js';
import { VerificationQueue } from '../timing/verification-queue.js';
import { JwtTokenValidator, VerifiedJwts } from '../token/jwt-token.validator.js';

/** The parts that the issuers of a module share. */
export interface ValidatingParts extends IssuerParts {
  readonly queue: VerificationQueue;
  readonly verified: VerifiedJwts;
  /** Whether there are several issuers: each caches fewer responses, to limit the memory of all of them. @default false */
  readonly isOneOfMany?: boolean;
}

export class ValidatingIssuer extends TrustedIssuer {
  readonly jwts: JwtTokenValidator;
  /** `undefined` if introspection is not configured. */
  readonly introspectionClient: IntrospectionClient | undefined;
  /** `undefined` if introspection is not configured. */
  readonly introspection: OpaqueTokenValidator | undefined;

  constructor(
    readonly options: ResolvedIssuerOptions,
    log: Log,
    parts: ValidatingParts = { queue: new VerificationQueue(), verified: new VerifiedJwts() },
  ) {
    super(options, log, parts);
    this.jwts = new JwtTokenValidator(this, parts.verified, parts.queue, options);
    if (options.clientId === undefined) return;
    const { metadata, client, signatures, breaker } = this;
    const cache = new IntrospectionCache(
      options,
      shareAnswers(options, log),
      parts.isOneOfMany === true ? MAX_ANSWERS / 10 : MAX_ANSWERS,
    );
    this.introspectionClient = new IntrospectionClient(metadata, client, signatures, breaker, options, log);
    this.introspection = new OpaqueTokenValidator(this, this.introspectionClient, cache, options);
  }
}

function shareAnswers(options: ResolvedIssuerOptions, log: Log): SharedAnswers | undefined {
  if (!options.cache) return undefined;
  return new SharedAnswers(
    new SharedCache(options.cache, log),
    new Sealer(cacheSecretOf(options) ?? ''),
    options,
  );
}
