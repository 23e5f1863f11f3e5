/** Validates logout tokens. OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6. */
import type { IssuerRegistry } from '../issuer/issuer-registry.js';
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import { isObject } from '../jose/strict-json.js';
import { trueTime } from '../token/check-claims.js';
import type { KnownRevocations } from './known-revocations.js';
import {
  checkAudience,
  checkIssuance,
  decodeReceived,
  findSender,
  idOf,
  malformed,
  verifyReceived,
} from './received-token.js';
import { endOf, type RevocationTimes } from './token-revocations.js';

export interface LogoutOptions {
  /**
   * Receives logout tokens of OpenID Connect Back-Channel Logout 1.0 and revokes the tokens of the session: `true`, or an
   * object with the `path`, at the root of the host. The issuer must know the address as `backchannel_logout_uri`.
   *
   * @default false
   */
  readonly backChannelLogout?: BackChannelLogoutOptions | undefined;
  /**
   * The value that `aud` of logout tokens must contain: the client that the issuer sends them to.
   *
   * @default `clientId`
   */
  readonly logoutAudience?: string | undefined;
}

/** Options of the receiver for OpenID Connect Back-Channel Logout 1.0. */
export interface BackChannelLogoutOptions {
  /**
   * The path of the route, at the root of the host. Letters, digits and `- . _ ~ @ /`. @default '/backchannel-logout'
   */
  readonly path: string;
}

/** An issuer with the client that it sends logout tokens to. */
export type LogoutIssuer = TrustedIssuer & {
  readonly options: { readonly clientId?: string | undefined; readonly logoutAudience?: string | undefined };
};

/** The member of `events` (section 2.4). */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Providers that do not follow the final specification write `JWT` or no `typ`. */
const TYPES = ['logout+jwt', 'jwt', undefined];

export class LogoutTokens {
  constructor(
    private readonly issuers: Pick<IssuerRegistry<LogoutIssuer>, 'find' | 'known'>,
    private readonly revocations: Pick<KnownRevocations, 'add'>,
    private readonly options: RevocationTimes,
  ) {}

  /**
   * Revokes the tokens of the session or user in the logout token. All checks that need no key come first, so that forged
   * tokens cost little.
   *
   * @returns `false` if a logout token with this `jti` was received before
   * @throws {ReceivedTokenError} if the token is invalid
   * @throws {AuthError} if it cannot be verified now, or the revocation cannot be shared now
   */
  async receive(token: string): Promise<boolean> {
    const jwt = decodeReceived(token, TYPES);
    const { claims } = jwt;
    const issuer = await findSender(this.issuers, claims['iss']);
    const { clientId, logoutAudience = clientId } = issuer.options;
    checkAudience(claims, logoutAudience === undefined ? [] : [logoutAudience]);
    const { iat, exp, jti } = checkIssuance(claims, this.options);
    const { clockTolerance } = this.options;
    if (exp === undefined && iat < trueTime(this.options) - clockTolerance)
      throw malformed('The token has no time of expiry (exp) and is too old (iat)');
    const { events } = claims;
    if (!isObject(events) || !Object.hasOwn(events, LOGOUT_EVENT) || !isObject(events[LOGOUT_EVENT]))
      throw malformed('The token is not a logout token (events)');
    if ('nonce' in claims) throw malformed('A logout token must have no nonce');
    const { sub, sid } = claims;
    if ([sub, sid].some((each) => each !== undefined && (typeof each !== 'string' || each === '')))
      throw malformed('The subject or the session of the token is not a string (sub, sid)');
    if (sub === undefined && sid === undefined)
      throw malformed('The token names neither a subject nor a session (sub, sid)');
    await verifyReceived(jwt, issuer);

    const terms = {
      issuer: issuer.accessTokenIssuer,
      before: iat,
      // The revocation is stored until the logout token expires, so that a replay is recognized.
      until: Math.max(endOf(iat, this.options), (exp ?? iat) + clockTolerance),
    };
    const id = idOf('logout', issuer.accessTokenIssuer, jti);
    const match = typeof sid === 'string' ? { sid } : { sub: sub as string };
    // Both apply in this instance, even if the store accepts neither.
    const [isNew] = await Promise.all([
      this.revocations.add({ ...terms, id, match }),
      // Tokens of the user without `sid`, which may belong to this session.
      typeof sub === 'string' &&
        typeof sid === 'string' &&
        this.revocations.add({ ...terms, id: `${id}.sub`, match: { sub }, withoutSid: true }),
    ]);
    return isNew;
  }
}
