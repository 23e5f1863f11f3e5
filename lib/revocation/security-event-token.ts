/** Validates Security Event Tokens, and revokes the tokens of the subjects of their events. RFC 8417, CAEP 1.0, RISC 1.0. */
import type { IssuerRegistry } from '../issuer/issuer-registry.js';
import { withoutSlash } from '../issuer/issuer-metadata.js';
import type { TrustedIssuer } from '../issuer/trusted-issuer.js';
import { isObject } from '../jose/strict-json.js';
import { trueTime } from '../token/check-claims.js';
import { mapSubject } from './event-subject.js';
import type { KnownRevocations } from './known-revocations.js';
import {
  checkAudience,
  checkIssuance,
  decodeReceived,
  findSender,
  idOf,
  malformed,
  ReceivedTokenError,
  unknownIssuer,
  verifyReceived,
} from './received-token.js';
import type { ReceivedEvent } from './revocation-events.js';
import { isTime, type RevocationMatch } from './revocation.js';
import { endOf, type RevocationTimes } from './token-revocations.js';

/** Options of the receiver for Security Event Tokens (RFC 8417) that a transmitter pushes (RFC 8935). */
export interface SecurityEventsOptions {
  /**
   * The path of the route that the transmitter pushes to, at the root of the host. Letters, digits and `- . _ ~ @ /`.
   */
  readonly path: string;
  /**
   * The value that `aud` of Security Event Tokens must contain: the identifier of this receiver at the transmitter.
   */
  readonly audience: string | readonly string[];
  /** The `iss` of the transmitter. @default the issuer of the tokens; with several, the configured issuer in `iss` */
  readonly issuer?: string | undefined;
  /** The URL of the transmitter's keys. @default `jwks_uri` of the metadata of the issuer */
  readonly jwksUri?: string | undefined;
  /**
   * The complete value that the `Authorization` header of a push must have. With `undefined`, for example from a variable that is
   * not set, the application does not start.
   * @default omitted: the header is not checked
   */
  readonly authorizationHeader?: string | undefined;
}

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
const RISC = 'https://schemas.openid.net/secevent/risc/event-type/';
/** The supported events by URI, with their names in events and metrics. */
const UNDERSTOOD: ReadonlyMap<string, string> = new Map([
  [`${CAEP}session-revoked`, 'session-revoked'],
  [`${CAEP}credential-change`, 'credential-change'],
  [`${RISC}account-disabled`, 'account-disabled'],
  [`${RISC}sessions-revoked`, 'sessions-revoked'],
]);
/** The maximum number of events in one token. Most transmitters send one; RFC 8417 section 2 has several views of one event. */
const MAX_EVENTS = 16;

/** The result of one event. */
export type EventOutcome = Pick<ReceivedEvent, 'type' | 'outcome'> & { readonly detail?: string };

export class SecurityEventTokens {
  /**
   * @param transmitter the configured transmitter; `undefined`: each issuer of tokens is the transmitter for its own users
   */
  constructor(
    private readonly transmitter: TrustedIssuer | undefined,
    private readonly issuers: Pick<IssuerRegistry, 'find' | 'known' | 'only'>,
    private readonly revocations: Pick<KnownRevocations, 'add'>,
    private readonly options: RevocationTimes & { readonly audience: string | readonly string[] },
  ) {}

  /**
   * Revokes the tokens of the subject. Events that are not supported, and subjects that cannot be mapped, revoke nothing.
   *
   * @throws {ReceivedTokenError} if the token is invalid
   * @throws {AuthError} if it cannot be verified now, or a revocation cannot be shared now
   */
  async receive(token: string): Promise<readonly EventOutcome[]> {
    const jwt = decodeReceived(token, ['secevent+jwt']);
    const { claims } = jwt;
    const sender = await this.#senderOf(claims['iss']);
    checkAudience(claims, [this.options.audience].flat());
    const { iat, jti } = checkIssuance(claims, this.options);
    const { events } = claims;
    if (!isObject(events) || Object.keys(events).length === 0)
      throw malformed('The token has no events (events)');
    if (Object.keys(events).length > MAX_EVENTS) throw malformed('The token has too many events (events)');
    if (!Object.values(events).every(isObject)) throw malformed('An event is not an object (events)');
    await verifyReceived(jwt, sender);

    const target = await this.#targetOf(claims['sub_id'], sender);
    // All apply in this instance, even if the store accepts none.
    return Promise.all(
      Object.entries(events as Record<string, Record<string, unknown>>).map(
        async ([uri, event]): Promise<EventOutcome> => {
          const type = UNDERSTOOD.get(uri);
          if (type === undefined)
            return { type: 'unknown', outcome: 'ignored', detail: 'the event is not understood' };
          if (!target) return { type, outcome: 'ignored', detail: 'the subject cannot be mapped' };
          const before = this.#timeOf(event, iat);
          const isNew = await this.revocations.add({
            id: idOf('set', sender.identifier, jti, uri),
            ...target,
            before,
            until: endOf(before, this.options),
          });
          return { type, outcome: isNew ? 'revoked' : 'repeated' };
        },
      ),
    );
  }

  /** Closes the transmitter: its calls, connections and background work. */
  async close(): Promise<void> {
    await this.transmitter?.close();
  }

  async #senderOf(iss: unknown): Promise<TrustedIssuer> {
    if (!this.transmitter) return findSender(this.issuers, iss);
    const { identifier } = this.transmitter;
    if (typeof iss !== 'string' || !isSame(iss, identifier)) throw unknownIssuer(iss);
    return this.transmitter;
  }

  /**
   * Returns the issuer and the claims of the tokens to revoke. An issuer of tokens can revoke only tokens of its own users. A
   * transmitter that issues no tokens can revoke those of the issuer in the subject, or of the only configured issuer.
   */
  async #targetOf(
    subject: unknown,
    sender: TrustedIssuer,
  ): Promise<{ readonly issuer: string; readonly match: RevocationMatch } | undefined> {
    const mapped = mapSubject(subject);
    if (!mapped) return undefined;
    const { iss, match } = mapped;
    const own = this.transmitter
      ? this.issuers.known.find(({ identifier }) => isSame(identifier, sender.identifier))
      : sender;
    if (own) {
      if (iss !== undefined && !isSame(iss, own.identifier) && !isSame(iss, own.accessTokenIssuer))
        return undefined;
      return { issuer: own.accessTokenIssuer, match };
    }
    if (iss === undefined) {
      const { only } = this.issuers;
      return only && { issuer: only.accessTokenIssuer, match };
    }
    try {
      return { issuer: (await findSender(this.issuers, iss)).accessTokenIssuer, match };
    } catch (error) {
      if (error instanceof ReceivedTokenError) return undefined;
      throw error;
    }
  }

  /** Returns the time of the event, otherwise of the token. A time in the future would reject tokens that are not issued yet. */
  #timeOf({ event_timestamp: time }: Record<string, unknown>, iat: number): number {
    const isPast = isTime(time) && time <= trueTime(this.options) + this.options.clockTolerance;
    return isPast ? time : iat;
  }
}

const isSame = (one: string, other: string): boolean => withoutSlash(one) === withoutSlash(other);
