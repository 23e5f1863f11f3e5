/** Validates access tokens: finds the issuer, and has the token validated there. Usable without a request. Scopes, groups and binding are checked elsewhere. */
import { ProviderUnavailableError, TokenError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { pickerOf, type ForgetSelector, type TokenPicker } from '../introspection/forget-selector.js';
import { MEMORY_TTL_BESIDE_SHARED_SECONDS } from '../introspection/introspection-cache.js';
import { IssuerRegistry } from '../issuer/issuer-registry.js';
import type { ProviderClient } from '../issuer/provider-client.js';
import { decodeJwt, isJwt } from '../jose/decode-jwt.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { KnownRevocations } from '../revocation/known-revocations.js';
import { MemoryRevocationStore } from '../revocation/memory-revocation-store.js';
import { DeadlineError, withDeadline } from '../timing/deadline.js';
import { VerificationQueue } from '../timing/verification-queue.js';
import { whenReady } from '../timing/when-ready.js';
import { VerifiedJwts } from '../token/jwt-token.validator.js';
import type { ValidatedToken } from '../token/validated-token.js';
import { ValidatingIssuer } from './validating-issuer.js';

/** What `forget` did, and what it could not. */
export interface ForgetReport {
  /** Answers and verified tokens thrown out of this instance's memory. */
  readonly evicted: number;
  /** Where such tokens may still be taken for good, and for how long; empty if nowhere. For people to read. */
  readonly notReached: readonly string[];
}

/** A single call that takes too long ends before its request does, in seconds: it knows better what was wrong. */
const DEADLINE_SLACK_SECONDS = 0.1;

export class TokenValidator {
  #hasSaidHowToIntrospect = false;
  readonly #forgetting: ((picks: TokenPicker) => void)[] = [];

  constructor(
    readonly issuers: IssuerRegistry<ValidatingIssuer>,
    /** The order in which this module's requests go on. */
    readonly queue: VerificationQueue,
    private readonly verified: VerifiedJwts,
    /** Longest wait for all that a token needs, in seconds. */
    private readonly responseTimeout: number,
    private readonly log: Log,
    /** Checked on every call, after the token is validated: also for what is remembered. */
    readonly revocations: KnownRevocations,
  ) {}

  get canIntrospect(): boolean {
    return this.issuers.known.some(({ introspection }) => introspection !== undefined);
  }

  /**
   * Without a promise when the answer is at hand.
   *
   * @param introspectMaxAge ask the provider, also about a JWT that is good here, unless it answered at most so many
   *   seconds ago
   * @throws {TokenError} if the token is not good
   * @throws {ProviderUnavailableError} if that cannot be determined now
   */
  validate(token: string, introspectMaxAge?: number): ValidatedToken | Promise<ValidatedToken> {
    if (typeof token !== 'string')
      throw new TokenError('invalid_token', { detail: 'the token is not a string' });
    const { only } = this.issuers;
    if (only && (only.options.introspectJwtTokens || !isJwt(token)))
      return this.#inTime(this.#introspect(only, token, introspectMaxAge));
    // Again in its turn: it may have been verified for another request meanwhile.
    const verified =
      this.verified.recall(token) ?? this.queue.verify(() => this.#inTime(this.#validateJwt(token)));
    if (introspectMaxAge === undefined) return verified;
    // The provider is not asked about a JWT that is refused without it.
    return this.#inTime(
      whenReady(verified, ({ issuer }) =>
        this.#introspect(issuer as ValidatingIssuer, token, introspectMaxAge),
      ),
    );
  }

  #validateJwt(token: string): ValidatedToken | Promise<ValidatedToken> {
    const recalled = this.verified.recall(token);
    if (recalled) return recalled;
    const jwt = decodeJwt(token);
    return whenReady(this.issuers.find(jwt.claims['iss']), (issuer) => issuer.jwts.validate(jwt));
  }

  #introspect(
    issuer: ValidatingIssuer,
    token: string,
    introspectMaxAge?: number,
  ): ValidatedToken | Promise<ValidatedToken> {
    if (issuer.introspection) return issuer.introspection.validate(token, introspectMaxAge);

    if (!this.#hasSaidHowToIntrospect) {
      this.#hasSaidHowToIntrospect = true;
      this.log.warn(
        'a token that is not a JWT was refused: to accept opaque tokens, configure introspection with clientId and clientSecret',
      );
    }
    throw new TokenError('invalid_token', {
      reason: 'not_introspected',
      detail: 'not a JWT, and introspection is not configured',
    });
  }

  #inTime(validated: ValidatedToken | Promise<ValidatedToken>): ValidatedToken | Promise<ValidatedToken> {
    return validated instanceof Promise ? this.#beforeDeadline(validated) : validated;
  }

  /** However many answers of the provider this waits for: what goes on longer, goes on for those who come later. */
  async #beforeDeadline(validated: Promise<ValidatedToken>): Promise<ValidatedToken> {
    const { responseTimeout } = this;
    try {
      return await withDeadline(responseTimeout + DEADLINE_SLACK_SECONDS, () => validated);
    } catch (cause) {
      if (!(cause instanceof DeadlineError)) throw cause;
      throw new ProviderUnavailableError({
        detail: `the provider took more than ${responseTimeout} s`,
        cause,
      });
    }
  }

  /** Calls back for each selector of `forget`: others remember what they got for a token. */
  onForget(listener: (picks: TokenPicker) => void): void {
    this.#forgetting.push(listener);
  }

  async forget(selector: ForgetSelector): Promise<ForgetReport> {
    const picks = pickerOf(selector);
    for (const forget of this.#forgetting) forget(picks);
    let evicted = this.verified.forget(picks);
    const notReached = new Set<string>();
    await Promise.all(
      this.issuers.known.map(async ({ introspection, options }) => {
        const answers = await introspection?.forget(selector);
        evicted += answers?.evicted ?? 0;
        for (const place of notReachedAt(options, answers?.sharedAnswered)) notReached.add(place);
      }),
    );
    return { evicted, notReached: [...notReached] };
  }
}

/** Everything that validates tokens, made once from the options. @param client what asks the provider */
export function createTokenValidator(
  options: ResolvedOptions,
  log: Log,
  client?: ProviderClient,
): TokenValidator {
  const queue = new VerificationQueue();
  const verified = new VerifiedJwts();
  const issuer = new ValidatingIssuer(options, log, { queue, verified, client });
  const revocations = new KnownRevocations(
    options.revocationStore ?? new MemoryRevocationStore(),
    options,
    log,
  );
  return new TokenValidator(
    new IssuerRegistry([issuer]),
    queue,
    verified,
    options.responseTimeout,
    log,
    revocations,
  );
}

/** @param sharedAnswered whether the shared cache was reached; `undefined` where nothing is introspected */
function notReachedAt(
  { introspectJwtTokens, introspectionCacheDuration, cache }: ValidatingIssuer['options'],
  sharedAnswered: boolean | undefined,
): readonly string[] {
  const reach: string[] = [];
  if (!introspectJwtTokens) reach.push('JWTs validated locally: valid until they expire');
  if (sharedAnswered === undefined || introspectionCacheDuration === 0) return reach;
  if (cache && !sharedAnswered) {
    reach.push(`the shared cache, which failed: for up to ${introspectionCacheDuration} s`);
  }
  const memory = cache
    ? Math.min(MEMORY_TTL_BESIDE_SHARED_SECONDS, introspectionCacheDuration)
    : introspectionCacheDuration;
  return [...reach, `the memory of other instances: for up to ${memory} s`];
}
