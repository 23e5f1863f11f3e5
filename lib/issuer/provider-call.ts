/** Publishes an event for each call to the authorization server. Creates no events while the channel has no subscribers. */
import { channel } from 'node:diagnostics_channel';

/** The `diagnostics_channel` of calls to the authorization server: {@link ProviderCallEvent}. */
export const PROVIDER_CALL_CHANNEL = 'nestjs-resource-server:provider-call';

/** The purpose of a call to the authorization server. */
export type ProviderOperation =
  'discovery' | 'jwks' | 'introspection' | 'token_exchange' | 'client_credentials';

/**
 * One completed call to the authorization server. Every member has few possible values: each can be a label of a metric. No member
 * contains a token or an address.
 */
export interface ProviderCallEvent {
  readonly operation: ProviderOperation;
  /** The configured name of the issuer. */
  readonly issuer: string;
  /**
   * `answered`: a complete response, with any status; `timeout`: none within `responseTimeout`; `failed`: no complete response.
   */
  readonly outcome: 'answered' | 'timeout' | 'failed';
  /** The HTTP status of the response; `undefined` without one. */
  readonly status: number | undefined;
  /** The duration of the call, in seconds. */
  readonly duration: number;
}

const calls = channel(PROVIDER_CALL_CHANNEL);

/** Makes the call, publishes its outcome if the channel has subscribers, and returns its result or throws its error. */
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
