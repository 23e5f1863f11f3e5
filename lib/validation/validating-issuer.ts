/** A trusted issuer with what validates its tokens. Knows no Nest: a script can have it, too. */
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

/** What the issuers of a module share. */
export interface ValidatingParts extends IssuerParts {
  readonly queue: VerificationQueue;
  readonly verified: VerifiedJwts;
  /** It remembers less, so that all of them together stay small. @default false */
  readonly isOneOfMany?: boolean;
}

export class ValidatingIssuer extends TrustedIssuer {
  readonly jwts: JwtTokenValidator;
  /** `undefined` where introspection is not configured. */
  readonly introspectionClient: IntrospectionClient | undefined;
  /** `undefined` where introspection is not configured. */
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
