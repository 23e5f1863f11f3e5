/** What did the provider answer, from where, how fast, and what time is it there? */
import type { ProviderAnswer } from '../issuer/provider-answer.js';
import type { ProviderOperation } from '../issuer/provider-call.js';
import { ProviderClient } from '../issuer/provider-client.js';

export interface WatchedCall {
  readonly operation: ProviderOperation;
  readonly url: string;
  readonly status: number;
  readonly seconds: number;
  /** This machine's clock less the provider's, in seconds, to about one second; `undefined` where it does not say. */
  readonly clockDifference: number | undefined;
}

export class WatchedClient extends ProviderClient {
  /** Those that were answered. */
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

/** RFC 9110 section 6.6.1: to the second, so half a second is added; section 5.1 of RFC 9111: a cache says how old it is. */
function differenceFrom(headers: ProviderAnswer['headers'], here: number): number | undefined {
  const there = Date.parse(headers.get('date') ?? '') / 1000 + 0.5;
  const age = Number(headers.get('age') ?? 0);
  return Number.isFinite(there + age) ? here - (there + age) : undefined;
}
