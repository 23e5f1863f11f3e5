/** Revokes tokens, for all instances that share a store. */
import { randomUUID } from 'node:crypto';
import type { IssuerRegistry } from '../issuer/issuer-registry.js';
import { isObject } from '../jose/strict-json.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import type { KnownRevocations } from './known-revocations.js';
import { isTime, type RevocationMatch } from './revocation.js';
import type { RevocationOptions } from './revocation-store.js';

/** Exactly one of `sub`, `sid`, `jti` and `clientId`. */
export interface RevokeSelector {
  /** The issuer, by its name or as it is configured. @default all issuers */
  readonly issuer?: string | undefined;
  /** All tokens of this user. */
  readonly sub?: string | undefined;
  /** All tokens of this session. */
  readonly sid?: string | undefined;
  /** This token. */
  readonly jti?: string | undefined;
  /** All tokens of this client. */
  readonly clientId?: string | undefined;
  /** Tokens issued at or before this time, in seconds since 1970. @default now */
  readonly before?: number | undefined;
}

const SELECTORS: ReadonlySet<string> = new Set(['sub', 'sid', 'jti', 'clientId']);

export type RevocationTimes = Pick<RevocationOptions, 'revocationDuration'> &
  Pick<ClaimsOptions, 'clockSkew' | 'clockTolerance'> & {
    readonly issuers?: readonly Pick<ClaimsOptions, 'clockTolerance'>[];
  };

/**
 * Refuses tokens that verify and have not expired: 401 `invalid_token`, reason `revoked`. Injectable.
 *
 * Unlike `TokenValidationService.forget()`, which only has the provider asked again, it also ends JWTs that are validated
 * here, and what was opened with them: connections, subscriptions and streams.
 */
export class TokenRevocations {
  constructor(
    private readonly known: KnownRevocations,
    private readonly issuers: Pick<IssuerRegistry, 'find' | 'named'>,
    private readonly options: RevocationTimes,
  ) {}

  /**
   * Refuses the tokens from now on: here when this resolves, in all instances that share the `revocationStore` within a
   * second. Remembered for `revocationDuration`. A revocation cannot be taken back; tokens issued after `before` are good.
   *
   * `iat` has whole seconds with most issuers: a token that is issued in the second of the revocation is refused, too.
   *
   * @example
   * await revocations.revoke({ sub: user.id }); // signs the user out everywhere
   *
   * @throws {TypeError} unless the selector names exactly one of `sub`, `sid`, `jti` and `clientId`, a non-empty string; for
   *   a `before` that is no time in seconds, an issuer that is not configured, and whatever else the selector has
   * @throws {RevocationStoreError} if the store fails: the revocation holds here, and is shared later; or if 1,000,000
   *   revocations are remembered: then it does not hold
   */
  async revoke(selector: RevokeSelector): Promise<void> {
    const { issuer, before = trueTime(this.options), match } = readSelector(selector);
    const iss = issuer === undefined ? undefined : await this.#issOf(issuer);
    await this.known.add({
      id: randomUUID(),
      ...(iss !== undefined && { issuer: iss }),
      match,
      before,
      until: endOf(before, this.options),
    });
  }

  async #issOf(issuer: string): Promise<string> {
    try {
      const { accessTokenIssuer } = (await this.issuers.named(issuer)) ?? (await this.issuers.find(issuer));
      return accessTokenIssuer;
    } catch (cause) {
      throw new TypeError('revoke(): no such issuer is configured', { cause });
    }
  }
}

/** When the last token has expired that a revocation concerns. */
export function endOf(
  before: number,
  { revocationDuration, clockTolerance, clockSkew, issuers = [] }: RevocationTimes,
): number {
  const tolerance = Math.max(clockTolerance, ...issuers.map((each) => each.clockTolerance));
  return Math.max(before, trueTime({ clockSkew })) + revocationDuration + tolerance;
}

function readSelector(selector: unknown): {
  readonly issuer: string | undefined;
  readonly before: number | undefined;
  readonly match: RevocationMatch;
} {
  const said = isObject(selector) ? Object.entries(selector).filter(([, value]) => value !== undefined) : [];
  const { issuer, before, ...rest } = Object.fromEntries(said) as Record<string, unknown>;
  const [[kind, value] = ['', undefined], ...more] = Object.entries(rest);
  if (more.length > 0 || !SELECTORS.has(kind) || typeof value !== 'string' || value === '') {
    throw new TypeError('revoke() takes one of sub, sid, jti and clientId, as a non-empty string');
  }
  if (before !== undefined && !isTime(before)) {
    throw new TypeError('revoke(): before must be a time in seconds since 1970');
  }
  if (issuer !== undefined && (typeof issuer !== 'string' || issuer === '')) {
    throw new TypeError('revoke(): issuer must be the name of an issuer');
  }
  return { issuer, before, match: { [kind]: value } };
}
