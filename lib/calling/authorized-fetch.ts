/** `fetch` that sends a token for another API with each request: as Bearer (RFC 6750), or with a DPoP proof (RFC 9449). */
import type { DPoPKey } from './dpop-key.js';

type Fetch = typeof fetch;
type Input = Parameters<Fetch>[0];
type Init = Parameters<Fetch>[1];

/** One request. Everything except the authorization is sent unchanged. */
export async function fetchWithToken(
  token: string,
  key: DPoPKey | undefined,
  input: Input,
  init: Init,
): Promise<Response> {
  const given = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  const send = (authorization: Readonly<Record<string, string>>): Promise<Response> => {
    const headers = new Headers(given);
    for (const [name, value] of Object.entries(authorization)) headers.set(name, value);
    return fetch(input, { ...init, headers });
  };
  if (!key) return send({ authorization: `Bearer ${token}` });

  const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
  const url = new URL(input instanceof Request ? input.url : input);
  const { response, requiresNonce } = await key.send(token, method, url, send);
  if (!requiresNonce || !canBeSentAgain(input, init)) return response;
  await response.body?.cancel();
  return (await key.send(token, method, url, send)).response;
}

/** Whether the body can be sent again. A stream has been read by then. */
function canBeSentAgain(input: Input, init: Init): boolean {
  const body = init?.body ?? (input instanceof Request ? input.body : null);
  return (
    body === null ||
    typeof body === 'string' ||
    [URLSearchParams, Blob, FormData, ArrayBuffer].some((type) => body instanceof type) ||
    ArrayBuffer.isView(body)
  );
}
