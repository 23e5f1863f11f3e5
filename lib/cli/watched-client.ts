/** A provider client that records the status, URL, duration and clock of each response. */
import type { ProviderAnswer } from '../issuer/provider-answer.js';
import type { ProviderOperation } from '../issuer/provider-call.js';
import { ProviderClient } from '../issuer/provider-client.js';

export interface WatchedCall {
  readonly operation: ProviderOperation;
  readonly url: string;
  readonly status: number;
  readonly seconds: number;
  /** The local clock minus the provider's, in seconds, accurate to about one second; `undefined` without a `Date` header. */
  readonly clockDifference: number | undefined;
}

export class WatchedClient extends ProviderClient {
  /** The calls that received a response. */
  readonly calls: WatchedCall[] = [];

  override async send(
    ...[operation, url, ...rest]: Parameters<ProviderClient['send']>
  ): Promise<ProviderAnswer> {
    const sentAt = Date.now();
    const beganAt = performance.now();
    const answer = await super.send(operation, url, ...rest);
    const seconds = (performance.now() - beganAt) / 1000;
    const { status, headers } = answer;
    const clockDifference = differenceFrom(headers, sentAt / 1000 + seconds / 2);
    this.calls.push({ operation, url, status, seconds, clockDifference });
    return answer;
  }
}

/** Adds half a second, because `Date` is in seconds (RFC 9110 section 6.6.1), and the `Age` in a cache (RFC 9111 section 5.1). */
function differenceFrom(headers: ProviderAnswer['headers'], here: number): number | undefined {
  const there = Date.parse(headers.get('date') ?? '') / 1000 + 0.5;
  const age = Number(headers.get('age') ?? 0);
  return Number.isFinite(there + age) ? here - (there + age) : undefined;
}
