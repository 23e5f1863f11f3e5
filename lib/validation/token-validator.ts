/**
 * Validates access tokens: finds the issuer of a token and calls its validator. Needs no request. Does not check scopes, groups
 * or the binding of the token.
 */
import type { IncomingRequest } from '../credentials/incoming-request.js';
import { forApplication } from '../credentials/received-request.js';
import {
  ConfigurationError,
  invalidToken,
  nameIssuer,
  ProviderUnavailableError,
  TokenError,
} from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { pickerOf, type ForgetSelector, type TokenPicker } from '../introspection/forget-selector.js';
import { MEMORY_TTL_BESIDE_SHARED_SECONDS } from '../introspection/introspection-cache.js';
import { IssuerRegistry } from '../issuer/issuer-registry.js';
import { decodeJwt, isJwt } from '../jose/decode-jwt.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { isSameIssuer, type IssuersOptions, type ResolvedIssuerOptions } from '../options/issuers.js';
import type { OpaqueTokenIssuer } from '../options/opaque-token-issuer.js';
import { KnownRevocations } from '../revocation/known-revocations.js';
import { MemoryRevocationStore } from '../revocation/memory-revocation-store.js';
import { DeadlineError, withDeadline } from '../timing/deadline.js';
import { VerificationQueue } from '../timing/verification-queue.js';
import { whenReady } from '../timing/when-ready.js';
import { VerifiedJwts } from '../token/jwt-token.validator.js';
import type { ValidatedToken } from '../token/validated-token.js';
import { ValidatingIssuer } from './validating-issuer.js';

/** The result of `TokenValidationService.forget()`. */
export interface ForgetReport {
  /** The number of responses and verified tokens that were removed from the memory of this instance. */
  readonly evicted: number;
  /** Where such tokens may still be accepted, and for how long, as text for people. Empty if nowhere. */
  readonly notReached: readonly string[];
}

/** Added to the deadline, in seconds, so that a single call that takes too long times out first: its error is more specific. */
const DEADLINE_SLACK_SECONDS = 0.1;

export interface ValidatorOptions extends Pick<IssuersOptions, 'opaqueTokenIssuer'> {
  /** The longest wait for all provider calls that one token needs, in seconds. */
  readonly responseTimeout: number;
  /** The `iss` of the issuer that introspects opaque tokens, if there is exactly one. */
  readonly introspecting: string | undefined;
}

export class TokenValidator {
  #hasSaidHowToIntrospect = false;
  readonly #forgetting: ((picks: TokenPicker) => void)[] = [];

  constructor(
    readonly issuers: IssuerRegistry<ValidatingIssuer>,
    /** Determines the order in which this module's requests proceed. */
    readonly queue: VerificationQueue,
    private readonly verified: VerifiedJwts,
    private readonly options: ValidatorOptions,
    private readonly log: Log,
    /** Checked on every call, after the token is validated, also for cached tokens. */
    readonly revocations: KnownRevocations,
  ) {}

  /**
   * Validates a token. Returns a promise only if it has to wait.
   *
   * @param introspectMaxAge introspect the token, also a JWT that is valid here, unless the provider responded at most this many
   *   seconds ago
   * @param request the request, for `opaqueTokenIssuer`
   * @param held the result of an earlier call for this token, if the caller has stored it: its signature is then not verified
   *   again, even if it is no longer cached
   * @throws {TokenError} if the token is invalid
   * @throws {ProviderUnavailableError} if this cannot be determined now
   */
  validate(
    token: string,
    introspectMaxAge?: number,
    request?: IncomingRequest,
    held?: ValidatedToken,
  ): ValidatedToken | Promise<ValidatedToken> {
    if (typeof token !== 'string')
      throw new TokenError('invalid_token', { detail: 'the token is not a string' });
    const { only } = this.issuers;
    if (only?.options.introspectJwtTokens === true)
      return this.#inTime(this.#introspect(only, token, introspectMaxAge));
    if (!isJwt(token)) return this.#inTime(this.#validateOpaque(token, introspectMaxAge, request));
    // `#validateJwt` looks the token up again, because another request may have verified it in the meantime.
    const verified =
      this.verified.recall(token, held) ??
      this.queue.verify(() => this.#inTime(this.#validateJwt(token, introspectMaxAge)));
    if (introspectMaxAge === undefined) return verified;
    // The provider is not called for a JWT that is rejected without it.
    return this.#inTime(
      whenReady(verified, (validated) => {
        const issuer = issuerOf(validated);
        // The token has already been introspected.
        if (issuer.options.introspectJwtTokens) return validated;
        return this.#introspect(issuer, token, introspectMaxAge);
      }),
    );
  }

  /** Returns the options of the token's issuer, with which a validated token is checked in addition to the route's policy. */
  optionsOf(validated: ValidatedToken): ResolvedIssuerOptions {
    return issuerOf(validated).options;
  }

  #validateJwt(token: string, introspectMaxAge?: number): ValidatedToken | Promise<ValidatedToken> {
    const recalled = this.verified.recall(token);
    if (recalled) return recalled;
    const jwt = decodeJwt(token);
    return whenReady(this.issuers.find(jwt.claims['iss']), (issuer) => {
      if (issuer.options.introspectJwtTokens) return this.#introspect(issuer, token, introspectMaxAge);
      return naming(issuer, () => this.verified.recall(token) ?? issuer.jwts.validate(jwt));
    });
  }

  /** Introspects an opaque token. The token is sent only to the issuer that it belongs to. */
  #validateOpaque(
    token: string,
    introspectMaxAge: number | undefined,
    request: IncomingRequest | undefined,
  ): ValidatedToken | Promise<ValidatedToken> {
    const { opaqueTokenIssuer } = this.options;
    if (opaqueTokenIssuer) {
      const issuer = this.#resolveOpaque(opaqueTokenIssuer, token, request);
      return issuer.then((found) => this.#introspect(found, token, introspectMaxAge));
    }
    const { introspecting } = this.options;
    if (introspecting === undefined) throw this.#notIntrospected();
    return whenReady(this.issuers.find(introspecting), (issuer) =>
      this.#introspect(issuer, token, introspectMaxAge),
    );
  }

  async #resolveOpaque(
    opaqueTokenIssuer: OpaqueTokenIssuer,
    token: string,
    request: IncomingRequest | undefined,
  ): Promise<ValidatingIssuer> {
    let name: unknown;
    try {
      name = await opaqueTokenIssuer(token, request && forApplication(request));
    } catch (cause) {
      throw new ConfigurationError('opaqueTokenIssuer failed', {
        detail: `opaqueTokenIssuer failed (${cause instanceof Error ? cause.name : typeof cause})`,
        cause,
      });
    }
    const issuer = typeof name === 'string' ? await this.issuers.named(name) : undefined;
    if (!issuer) throw invalidToken('issuer', 'opaqueTokenIssuer returned no configured issuer');
    return issuer;
  }

  #introspect(
    issuer: ValidatingIssuer,
    token: string,
    introspectMaxAge?: number,
  ): ValidatedToken | Promise<ValidatedToken> {
    const { introspection } = issuer;
    if (!introspection) throw nameIssuer(this.#notIntrospected(), issuer.name);
    return naming(issuer, () => introspection.validate(token, introspectMaxAge));
  }

  #notIntrospected(): TokenError {
    if (!this.#hasSaidHowToIntrospect) {
      this.#hasSaidHowToIntrospect = true;
      this.log.warn(
        'a token that is not a JWT was rejected: to accept opaque tokens, configure introspection with clientId and clientSecret',
      );
    }
    return new TokenError('invalid_token', {
      reason: 'not_introspected',
      detail: 'not a JWT, and introspection is not configured',
    });
  }

  #inTime(validated: ValidatedToken | Promise<ValidatedToken>): ValidatedToken | Promise<ValidatedToken> {
    return validated instanceof Promise ? this.#beforeDeadline(validated) : validated;
  }

  /** Limits the wait for all provider calls of a token. A call that takes longer continues, for the requests that follow. */
  async #beforeDeadline(validated: Promise<ValidatedToken>): Promise<ValidatedToken> {
    const { responseTimeout } = this.options;
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

  /** Registers a listener for the selectors of `forget`, because other services also cache results for tokens. */
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

/** Returns the issuer of a token. The cast is safe, because every token is validated by an issuer that was created here. */
function issuerOf({ issuer }: ValidatedToken): ValidatingIssuer {
  return issuer as ValidatingIssuer;
}

/** Runs a validation, and sets the name of the issuer on its errors. */
function naming(
  { name }: ValidatingIssuer,
  validate: () => ValidatedToken | Promise<ValidatedToken>,
): ValidatedToken | Promise<ValidatedToken> {
  let validated: ValidatedToken | Promise<ValidatedToken>;
  try {
    validated = validate();
  } catch (error) {
    throw nameIssuer(error, name);
  }
  if (!(validated instanceof Promise)) return validated;
  return validated.catch((error: unknown) => {
    throw nameIssuer(error, name);
  });
}

/** Creates the validator, with everything that it needs, from the options. */
export function createTokenValidator(options: ResolvedOptions, log: Log): TokenValidator {
  const { issuers, findIssuer, responseTimeout } = options;
  const isSeveral = findIssuer !== undefined || issuers.length > 1;
  const queue = new VerificationQueue();
  const verified = new VerifiedJwts(isSeveral);
  const parts = { queue, verified, isOneOfMany: isSeveral };
  const make = (each: ResolvedIssuerOptions, refreshesOnlyUsed: boolean): ValidatingIssuer =>
    new ValidatingIssuer(each, log, { ...parts, refreshesOnlyUsed });
  const ask = (
    find: NonNullable<ResolvedOptions['findIssuer']>,
    iss: string,
    known: ValidatingIssuer | undefined,
  ) =>
    whenReady(find(iss), (found) => {
      if (!found) return undefined;
      const issuer = known && isSameIssuer(known.options, found) ? known : make(found, true);
      return { issuer, holdsFor: found.metadataCacheDuration };
    });
  const registry = new IssuerRegistry(
    issuers.map((each) => make(each, false)),
    {
      remake: (issuer) => make(issuer.options, false),
      onForgotten: (issuer) => verified.forgetIssuer(issuer),
      find: findIssuer && { ask: (iss, known) => ask(findIssuer, iss, known), responseTimeout },
    },
  );
  const introspecting = issuers.filter(({ clientId }) => clientId !== undefined);
  const [sole] = introspecting.length === 1 ? introspecting : [];
  const validatorOptions: ValidatorOptions = {
    opaqueTokenIssuer: options.opaqueTokenIssuer,
    responseTimeout: Math.max(responseTimeout, ...issuers.map((each) => each.responseTimeout)),
    introspecting: sole && (sole.accessTokenIssuer ?? sole.issuer),
  };
  const revocations = new KnownRevocations(
    options.revocationStore ?? new MemoryRevocationStore(),
    options,
    log,
  );
  return new TokenValidator(registry, queue, verified, validatorOptions, log, revocations);
}

/** @param sharedAnswered whether the shared cache was reached; `undefined` if introspection is not configured */
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
