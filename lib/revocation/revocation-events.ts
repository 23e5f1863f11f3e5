/** Publishes what becomes known of revocations on diagnostics channels. Costs nothing while nobody subscribes. */
import { channel } from 'node:diagnostics_channel';

/** The `diagnostics_channel` that every revocation is published on that this instance learns of. */
export const REVOCATION_CHANNEL = 'nestjs-resource-server:revocation';

/** One revocation that this instance has learned of. Says nothing of whom it concerns. */
export interface RevocationEvent {
  /** `here`: `revoke()`, a logout token or a security event of this instance; `store`: another one's. */
  readonly origin: 'here' | 'store';
  /** Number of revocations that this instance knows now. */
  readonly known: number;
  /** Seconds from another instance to this one, by the clocks of both; `undefined` where that is not known. */
  readonly lag: number | undefined;
}

/** The `diagnostics_channel` of logout tokens and security events that were received. */
export const RECEIVED_EVENT_CHANNEL = 'nestjs-resource-server:received-event';

/** One logout token, or one event of a Security Event Token. Every member has few values: they may be labels of a metric. */
export interface ReceivedEvent {
  readonly receiver: 'backchannel_logout' | 'security_events';
  /** `logout`, or the last part of an event's URI where it is understood; `unknown`. */
  readonly type: string;
  /**
   * `revoked`: tokens are refused from now on; `repeated`: it came before; `ignored`: it is not understood, or its subject
   * cannot be mapped; `refused`: it is not good (4xx); `unavailable`: it could not be verified or stored (5xx).
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
