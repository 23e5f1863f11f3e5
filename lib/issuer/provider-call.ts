/** Who wants to know of each call to the authorization server? Nobody, most of the time: then nothing is made for it. */
import { channel } from 'node:diagnostics_channel';

/** The `diagnostics_channel` that every call to the authorization server is published on. */
export const PROVIDER_CALL_CHANNEL = 'nestjs-resource-server:provider-call';

export type ProviderOperation =
  'discovery' | 'jwks' | 'introspection' | 'token_exchange' | 'client_credentials';

/** One call, when it is over. Every member has few values: they may all be labels of a metric. No token, no address. */
export interface ProviderCallEvent {
  readonly operation: ProviderOperation;
  /** The issuer, by its configured name. */
  readonly issuer: string;
  /** `answered`, whatever the answer; `timeout`: not within `responseTimeout`; `failed`: no whole answer. */
  readonly outcome: 'answered' | 'timeout' | 'failed';
  /** The answer's HTTP status. */
  readonly status: number | undefined;
  /** Seconds. */
  readonly duration: number;
}

const calls = channel(PROVIDER_CALL_CHANNEL);

/** Publishes how the call went, if anybody listens, and passes on whatever came of it. */
export async function observeCall<Answer extends { readonly status: number }>(
  operation: ProviderOperation,
  issuer: string,
  call: () => Promise<Answer>,
  isTimeout: (error: unknown) => boolean,
): Promise<Answer> {
  if (!calls.hasSubscribers) return call();
  const beganAt = performance.now();
  const publish = (outcome: ProviderCallEvent['outcome'], status?: number): void => {
    const duration = (performance.now() - beganAt) / 1000;
    calls.publish({ operation, issuer, outcome, status, duration } satisfies ProviderCallEvent);
  };
  try {
    const answer = await call();
    publish('answered', answer.status);
    return answer;
  } catch (error) {
    publish(isTimeout(error) ? 'timeout' : 'failed');
    throw error;
  }
}
