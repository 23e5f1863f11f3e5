/** Publishes revocations and received events on diagnostics channels. Without subscribers, this costs nothing. */
import { channel } from 'node:diagnostics_channel';

/** The `diagnostics_channel` of the revocations that this instance receives: {@link RevocationEvent}. */
export const REVOCATION_CHANNEL = 'nestjs-resource-server:revocation';

/** One revocation that this instance has received. It does not contain whose tokens are revoked. */
export interface RevocationEvent {
  /**
   * `here`: `revoke()`, a logout token or a security event of this instance; `store`: a revocation of another instance.
   */
  readonly origin: 'here' | 'store';
  /** The number of revocations that this instance knows. */
  readonly known: number;
  /** Seconds from the other instance to this one, by the clocks of both; `undefined` if not known. */
  readonly lag: number | undefined;
}

/** The `diagnostics_channel` of received logout tokens and security events: {@link ReceivedEvent}. */
export const RECEIVED_EVENT_CHANNEL = 'nestjs-resource-server:received-event';

/**
 * One logout token, or one event of a Security Event Token. Every member has few possible values: each can be a label of a metric.
 */
export interface ReceivedEvent {
  readonly receiver: 'backchannel_logout' | 'security_events';
  /** `logout`, or the last part of the URI of a supported event; otherwise `unknown`. */
  readonly type: string;
  /**
   * `revoked`: tokens are rejected from now on; `repeated`: it was received before; `ignored`: it is not supported, or its subject
   * cannot be mapped; `refused`: it is invalid (4xx); `unavailable`: it could not be verified or stored (5xx).
   */
  readonly outcome: 'revoked' | 'repeated' | 'ignored' | 'refused' | 'unavailable';
}

const revocations = channel(REVOCATION_CHANNEL);
const received = channel(RECEIVED_EVENT_CHANNEL);

export function publishRevocation(event: RevocationEvent): void {
  if (revocations.hasSubscribers) revocations.publish(event);
}

export function publishReceivedEvent(event: ReceivedEvent): void {
  if (received.hasSubscribers) received.publish(event);
}
