/** What does an API say? The only place where a token is sent, and only from the server to the API it is for. */
import 'server-only';
import { findAccessToken, SessionEnded } from '../auth/access-tokens';
import { findSession } from '../auth/cookies';
import { nameError } from '../auth/provider';
import { findApi, type ApiName } from '../auth/settings';

/** Why there is nothing: each has its card. */
export type Refusal = 'signed-out' | 'unauthorized' | 'forbidden' | 'unavailable' | 'rejected';

export type Outcome<Data> = { readonly data: Data } | { readonly refusal: Refusal; readonly reason?: string };

interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

const TIMEOUT_MS = 5000;

export async function callApi(
  name: ApiName,
  { method = 'GET', path, body }: Call,
): Promise<Outcome<unknown>> {
  const session = await findSession();
  if (!session) return { refusal: 'signed-out' };
  let response: Response;
  try {
    const headers = new Headers({ authorization: `Bearer ${await findAccessToken(session, name)}` });
    if (body !== undefined) headers.set('content-type', 'application/json');
    response = await fetch(new URL(path, findApi(name).url), {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // One user's answer is nobody else's, and a token does not follow a redirect.
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return await readAnswer(response);
  } catch (error) {
    if (error instanceof SessionEnded) return { refusal: 'signed-out' };
    console.error(`${method} ${path} at the ${name} API failed: ${nameError(error)}`);
    return { refusal: 'unavailable' };
  }
}

async function readAnswer(response: Response): Promise<Outcome<unknown>> {
  const { status } = response;
  if (response.ok) return { data: status === 204 ? undefined : await response.json() };
  if (status === 401) return { refusal: 'unauthorized' };
  if (status === 403) return { refusal: 'forbidden' };
  if (status >= 500 || status === 429) return { refusal: 'unavailable' };
  const { message } = Object(await response.json()) as { readonly message?: unknown };
  return { refusal: 'rejected', reason: String(message) };
}
