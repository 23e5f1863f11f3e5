/** Verifies signatures with the keys of the issuer. RFC 7515 section 5.2, RFC 8725 section 3.1. */
import { invalidToken, ProviderUnavailableError, type TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { DecodedJwt } from '../jose/decode-jwt.js';
import { Allowance } from '../timing/allowance.js';
import { monotonicSeconds } from '../timing/backoff.js';
import type { VerificationQueue } from '../timing/verification-queue.js';
import { whenReady } from '../timing/when-ready.js';
import type { Candidates, IssuerKeySet } from './issuer-key-set.js';
import type { IssuerKeys } from './issuer-keys.js';
import { RememberedTokens } from '../jose/remembered-tokens.js';
import type { VerificationKey } from '../jose/verification-key.js';

/** The maximum number of cached tokens whose signature did not verify: a client that repeats one costs one verification. */
const MAX_REFUSED = 1000;
/** How long a token without `kid` that no key verified does not cause another fetch of the keys, in seconds. */
const REFUSED_SECONDS = 10;
/**
 * The CPU time for signatures that do not verify, in seconds: half a core after a burst, so that the other half remains for
 * cached tokens whatever the algorithm costs (an ES512 verification takes as long as a hundred requests). A tenth of a core
 * for tokens that match several keys and were signed by none of them: each costs several verifications.
 */
const FAILURES = { burst: 2, perSecond: 0.5 } as const;
const AMBIGUOUS_FAILURES = { burst: 2, perSecond: 0.1 } as const;
/** The longest time that a verification is charged with, in seconds: a longer one includes a suspension of the process. */
const MAX_VERIFICATION_SECONDS = 1;

export interface SignatureOptions {
  /**
   * The `alg` values accepted: any of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519.
   *
   * @default all of them
   */
  readonly signingAlgorithms: readonly string[];
}

interface Refused {
  readonly token: string;
  /** None of its keys made the signature. */
  readonly keySet: IssuerKeySet;
  /** Until then the token is rejected without a search in a newer key set. By the monotonic clock. */
  readonly until: number;
}

interface Search {
  readonly keySet: IssuerKeySet;
  readonly signer: Promise<VerificationKey | undefined>;
}

/** The key that made a signature, and the key set that contains it. */
export interface Verification {
  readonly key: VerificationKey;
  readonly keySet: IssuerKeySet;
}

export class SignatureVerifier {
  readonly #refused = new RememberedTokens<Refused>(MAX_REFUSED);
  readonly #failures = new Allowance(FAILURES.burst, FAILURES.perSecond);
  readonly #ambiguousFailures = new Allowance(AMBIGUOUS_FAILURES.burst, AMBIGUOUS_FAILURES.perSecond);
  /** Concurrent requests with one token share its verification. */
  readonly #searches = new Map<string, Search>();

  constructor(
    private readonly keys: IssuerKeys,
    private readonly options: SignatureOptions,
    private readonly queue: VerificationQueue,
  ) {}

  /**
   * Checks everything in the header that needs no key. Key material in it (`jwk`, `jku`, `x5c`, `x5u`) is ignored, here and
   * later.
   *
   * @throws {TokenError} `invalid_token`
   */
  checkHeader({ header, signature }: Pick<DecodedJwt, 'header' | 'signature'>): void {
    const { alg, kid } = header;
    if (typeof alg !== 'string' || !this.options.signingAlgorithms.includes(alg)) {
      throw invalidToken('algorithm', `alg ${quoteForeign(alg)} is not accepted`);
    }
    if (kid !== undefined && typeof kid !== 'string') throw invalidToken('malformed', 'kid is not a string');
    // No extension is supported, so none may be critical (RFC 7515 section 4.1.11, RFC 7797 section 6).
    if ('crit' in header || 'b64' in header)
      throw invalidToken('malformed', 'the header requires an extension (crit, b64)');
    if (signature.length === 0) throw invalidToken('malformed', 'the signature is empty');
  }

  /**
   * Returns a promise only if keys must be fetched, or if several keys match the token.
   *
   * @throws {TokenError} `invalid_token`
   * @throws {ProviderUnavailableError} if this cannot be determined now: the keys cannot be fetched, or too many tokens with an
   *   invalid signature were verified
   */
  verify(jwt: DecodedJwt): Verification | Promise<Verification> {
    this.checkHeader(jwt);
    const known = this.keys.get();
    return known instanceof Promise
      ? known.then((keySet) => this.queue.verify(() => this.#verifyWith(jwt, keySet)))
      : this.#verifyWith(jwt, known);
  }

  #verifyWith(jwt: DecodedJwt, keySet: IssuerKeySet): Verification | Promise<Verification> {
    const candidates = candidatesFor(jwt, keySet);
    const refused = this.#refused.get(jwt.token);
    if (refused?.keySet === keySet) {
      if (monotonicSeconds() < refused.until) throw refusalOf(jwt, candidates);
      return this.#verifyWithNewer(jwt, keySet);
    }
    return whenReady(this.#findSigner(jwt, keySet), (key) => {
      if (key) return { key, keySet };
      // A `kid` that the set has does not indicate a rotation, whether its key fits or not.
      const { isNamed, keys } = candidates;
      if (keys.length > 0) this.#refused.set({ token: jwt.token, keySet, until: isNamed ? Infinity : 0 });
      if (isNamed) throw refusalOf(jwt, candidates);
      return this.#verifyWithNewer(jwt, keySet);
    });
  }

  /** The issuer may have a key that is not known yet; neither the `kid` of the token nor its absence shows whether it has. */
  async #verifyWithNewer(jwt: DecodedJwt, known: IssuerKeySet): Promise<Verification> {
    const kid = kidOf(jwt);
    let newest = known;
    const verification = await this.keys.renew(
      known,
      kid,
      async (keySet): Promise<Verification | undefined> => {
        newest = keySet;
        const key = await this.queue.verify(() => this.#findSigner(jwt, keySet));
        return key && { key, keySet };
      },
    );
    if (verification) return verification;
    if (kid === undefined && newest.keys.length > 0)
      this.#refused.set({ token: jwt.token, keySet: newest, until: monotonicSeconds() + REFUSED_SECONDS });
    throw refusalOf(jwt, candidatesFor(jwt, newest));
  }

  #findSigner(
    jwt: DecodedJwt,
    keySet: IssuerKeySet,
  ): VerificationKey | undefined | Promise<VerificationKey | undefined> {
    const { keys } = candidatesFor(jwt, keySet);
    const [first, ...others] = keys;
    if (first === undefined) return undefined;
    if (others.length === 0) return this.#verifyBy(first, jwt);

    const { token } = jwt;
    const search = this.#searches.get(token);
    if (search?.keySet === keySet) return search.signer;
    const signer = this.#search(first, others, jwt).finally(() => this.#searches.delete(token));
    this.#searches.set(token, { keySet, signer });
    return signer;
  }

  #verifyBy(key: VerificationKey, jwt: DecodedJwt): VerificationKey | undefined {
    if (this.#failures.left <= 0) throw tooManyFailures();
    const beganAt = monotonicSeconds();
    if (isSigner(key, jwt)) return key;
    this.#failures.spend(timeSince(beganAt));
    return undefined;
  }

  /** Tries the first candidate at once, and queues each other one, so that other tokens proceed in between. */
  async #search(
    first: VerificationKey,
    others: readonly VerificationKey[],
    jwt: DecodedJwt,
  ): Promise<VerificationKey | undefined> {
    if (this.#ambiguousFailures.left <= 0) throw tooManyFailures();
    const beganAt = monotonicSeconds();
    if (isSigner(first, jwt)) return first;
    // Each other candidate takes about as long. Spent in advance, so that many tokens cannot start together.
    const price = timeSince(beganAt) * (1 + others.length);
    this.#ambiguousFailures.spend(price);
    for (const key of others) {
      if (!(await this.queue.verify(() => isSigner(key, jwt)))) continue;
      this.#ambiguousFailures.spend(-price);
      return key;
    }
    return undefined;
  }
}

const timeSince = (beganAt: number): number =>
  Math.min(monotonicSeconds() - beganAt, MAX_VERIFICATION_SECONDS);

const nothingFits = (kid: unknown): TokenError =>
  invalidToken('unknown_key', `no key of the issuer matches: kid ${quoteForeign(kid)}`);

/** A token with a `kid` that matches a key, and that no key has signed, was changed or forged. */
function refusalOf(jwt: DecodedJwt, { keys }: Candidates): TokenError {
  return kidOf(jwt) !== undefined && keys.length > 0
    ? invalidToken('signature', 'the signature does not verify')
    : nothingFits(kidOf(jwt));
}

function tooManyFailures(): ProviderUnavailableError {
  return new ProviderUnavailableError({
    detail: 'too many invalid signatures: further tokens are not verified now',
    retryAfter: 1,
  });
}

/** {@link SignatureVerifier.checkHeader} has checked the types. */
const kidOf = ({ header }: DecodedJwt): string | undefined => header['kid'] as string | undefined;
const algOf = ({ header }: DecodedJwt): string => header['alg'] as string;

const candidatesFor = (jwt: DecodedJwt, keySet: IssuerKeySet): Candidates =>
  keySet.candidatesFor(algOf(jwt), kidOf(jwt));

const isSigner = (key: VerificationKey, jwt: DecodedJwt): boolean =>
  key.verifies(algOf(jwt), jwt.signed, jwt.signature);
