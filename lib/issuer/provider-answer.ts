/** What did the authorization server answer, and is that an answer at all? */
import { ProviderUnavailableError, type ProviderUnavailableErrorOptions } from '../errors/auth.errors.js';
import { isObject } from '../jose/strict-json.js';

/** Metadata and key sets are a few kilobytes; an answer past this is not one. */
const LARGEST_BODY = 512 * 1024;

export interface ProviderAnswer {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** @throws {Error} for a body that is too large */
export async function readAnswer(url: string, response: Response): Promise<ProviderAnswer> {
  const { status, headers, body } = response;
  return { url, status, headers, body: body ? await readText(body) : '' };
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.byteLength;
    if (size > LARGEST_BODY) {
      // Nobody waits for the end of what is not read.
      reader.cancel().catch(() => undefined);
      throw new Error(`answered with more than ${LARGEST_BODY} bytes`);
    }
    chunks.push(read.value);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws {ProviderUnavailableError} for what a provider answers when it cannot answer */
export function refuseUnlessAnswered({ url, status, headers }: ProviderAnswer): void {
  if (status !== 429 && status < 500) return;
  const retryAfter = secondsUntil(headers.get('retry-after'));
  throw unavailable(url, `answered ${status}`, { retryAfter, askedForPause: retryAfter !== undefined });
}

export function unavailable(
  url: string,
  reason: string,
  rest: ProviderUnavailableErrorOptions = {},
): ProviderUnavailableError {
  return new ProviderUnavailableError({ detail: `${withoutQuery(url)}: ${reason}`, ...rest });
}

/** Node's fetch hides the reason (ECONNREFUSED, a certificate's fault) one level down. */
export function reasonOf(error: unknown): string {
  if (!isError(error)) return 'failed';
  return isError(error.cause) ? `${error.message}: ${error.cause.message}` : error.message;
}

/** What an abort throws is no native error, and what comes from another context no `instanceof Error`. */
function isError(value: unknown): value is Error {
  return isObject(value) && typeof value['message'] === 'string';
}

/** Addresses are logged without query and user: these may hold a key. */
export function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return 'an address that is not a URL';
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Retry-After as seconds or as a date (RFC 9110 section 10.2.3), within reason. */
function secondsUntil(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = /^\d+$/.test(retryAfter)
    ? Number(retryAfter)
    : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), 3600) : undefined;
}
