/** What does an API say? The only place where a token is sent, and only from the server to the API it is for. */
import 'server-only';
import * as openid from 'openid-client';
import { findAccessToken, SessionEnded } from '../auth/access-tokens';
import { findSession } from '../auth/cookies';
import { findProvider, nameError } from '../auth/provider';
import type { Session } from '../auth/sessions';
import { findApi, type ApiName } from '../auth/settings';

/** Why there is nothing: each has its card. */
export type Refusal = 'signed-out' | 'step-up' | 'unauthorized' | 'forbidden' | 'unavailable' | 'rejected';

export type Outcome<Data> = { readonly data: Data } | { readonly refusal: Refusal; readonly reason?: string };

interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

export async function callApi(
  name: ApiName,
  { method = 'GET', path, body }: Call,
): Promise<Outcome<unknown>> {
  const session = await findSession();
  if (!session) return { refusal: 'signed-out' };
  try {
    const token = await findAccessToken(session, name);
    const headers = new Headers(body === undefined ? {} : { 'content-type': 'application/json' });
    const json = body === undefined ? null : JSON.stringify(body);
    const url = new URL(path, findApi(name).url);
    // Follows no redirect with the token.
    return await readAnswer(
      await openid.fetchProtectedResource(await findProvider(), token, url, method, json, headers),
    );
  } catch (error) {
    if (error instanceof SessionEnded) return { refusal: 'signed-out' };
    if (error instanceof openid.WWWAuthenticateChallengeError) return readChallenge(session, error);
    console.error(`${method} ${path} at the ${name} API failed: ${nameError(error)}`);
    return { refusal: 'unavailable' };
  }
}

/** What the API requires (RFC 6750 section 3, RFC 9470 section 3). */
function readChallenge(
  session: Session,
  { cause, status }: openid.WWWAuthenticateChallengeError,
): Outcome<unknown> {
  const { error, acr_values: acrValues, max_age: maxAge } = cause[0]?.parameters ?? {};
  if (error === 'insufficient_user_authentication') {
    session.stepUp = { acrValues, maxAge };
    return { refusal: 'step-up' };
  }
  return { refusal: status === 403 ? 'forbidden' : 'unauthorized' };
}

async function readAnswer(response: Response): Promise<Outcome<unknown>> {
  const { status } = response;
  if (response.ok) return { data: status === 204 ? undefined : await response.json() };
  if (status === 403) return { refusal: 'forbidden' };
  if (status >= 500 || status === 429) return { refusal: 'unavailable' };
  const { message } = Object(await response.json()) as { readonly message?: unknown };
  return { refusal: 'rejected', reason: String(message) };
}
