/** Revokes tokens, for all instances that share a store. */
import { randomUUID } from 'node:crypto';
import type { IssuerRegistry } from '../issuer/issuer-registry.js';
import { isObject } from '../jose/strict-json.js';
import { trueTime, type ClaimsOptions } from '../token/check-claims.js';
import type { KnownRevocations } from './known-revocations.js';
import { isTime, type RevocationMatch } from './revocation.js';
import type { RevocationOptions } from './revocation-store.js';

/** The tokens to revoke: exactly one of `sub`, `sid`, `jti` and `clientId`. */
export interface RevokeSelector {
  /** The issuer of the tokens, by its name or its configured value. @default all issuers */
  readonly issuer?: string | undefined;
  /** All tokens of this user. */
  readonly sub?: string | undefined;
  /** All tokens of this session (claim `sid`). */
  readonly sid?: string | undefined;
  /** The token with this identifier. */
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
 * Revokes tokens that are otherwise valid: they are rejected with 401 `invalid_token`, reason `revoked`. Injectable.
 *
 * Unlike `TokenValidationService.forget()`, which only removes cached results, a revocation also applies to JWTs that are
 * validated locally, and ends connections, subscriptions and streams that were opened with the tokens.
 */
export class TokenRevocations {
  constructor(
    private readonly known: KnownRevocations,
    private readonly issuers: Pick<IssuerRegistry, 'find' | 'named'>,
    private readonly options: RevocationTimes,
  ) {}

  /**
   * Rejects the selected tokens: in this instance when the promise resolves, in other instances that share the `revocationStore`
   * within a second. The revocation is stored for `revocationDuration` and cannot be undone. Tokens that are issued after `before`
   * are accepted.
   *
   * Most issuers write `iat` in whole seconds: a token that is issued in the second of the revocation is also rejected.
   *
   * @throws {TypeError} unless the selector contains exactly one of `sub`, `sid`, `jti` and `clientId`, as a non-empty string; also
   *   if `before` is not a time in seconds, the issuer is not configured, or the selector has other members
   * @throws {RevocationStoreError} if the store fails: the revocation is then in effect in this instance, and is shared later. Also
   *   at the limit of 1,000,000 revocations: the revocation is then not in effect
   *
   * @example
   * ```ts
   * await this.revocations.revoke({ sub: user.id }); // rejects all tokens of the user
   * ```
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

/** Returns the time when the last token that a revocation applies to has expired. */
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
