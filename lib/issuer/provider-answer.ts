/** Reads responses of the authorization server and detects failures. */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { ProviderUnavailableError, type ProviderUnavailableErrorOptions } from '../errors/auth.errors.js';
import { hideSecretsOfAddresses } from '../errors/quote-address.js';
import { isObject } from '../jose/strict-json.js';

/** The maximum size of a response. Metadata and key sets have a few kilobytes. */
const MAX_BODY_BYTES = 512 * 1024;
/** RFC 8259 section 8.1: JSON must not begin with it, and parsers may ignore it. */
const BYTE_ORDER_MARK = '\uFEFF';

export interface ProviderAnswer {
  readonly url: string;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: string;
}

const LIMIT = { maxOutputLength: MAX_BODY_BYTES };

const DECODERS: Readonly<Record<string, ((body: Buffer) => Buffer) | undefined>> = {
  __proto__: null as never,
  identity: (body) => body,
  gzip: (body) => gunzipSync(body, LIMIT),
  'x-gzip': (body) => gunzipSync(body, LIMIT),
  deflate: (body) => inflateSync(body, LIMIT),
  br: (body) => brotliDecompressSync(body, LIMIT),
};

/** Collects the chunks of a body. */
export class BodyReader {
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  /** @throws {Error} if the body becomes too large */
  add(chunk: Uint8Array): void {
    this.#size += chunk.byteLength;
    if (this.#size > MAX_BODY_BYTES) throw new Error(`answered with more than ${MAX_BODY_BYTES} bytes`);
    this.#chunks.push(chunk);
  }

  /**
   * @param encoding the `Content-Encoding` of the response: some gateways compress although compression was not requested
   * @throws {Error} if the body cannot be decoded, or is too large when decoded
   */
  text(encoding = 'identity'): string {
    const decode = DECODERS[encoding.trim().toLowerCase()];
    if (!decode) throw new Error('answered in an unknown encoding');
    const text = decode(Buffer.concat(this.#chunks)).toString('utf8');
    return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  }
}

/** @throws {Error} for a body that is too large */
export async function readAnswer(url: string, response: Response): Promise<ProviderAnswer> {
  const { status, headers, body } = response;
  return { url, status, headers, body: body ? await readText(body) : '' };
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const text = new BodyReader();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) text.add(read.value);
  } catch (error) {
    // The cancellation of the unread rest is not awaited.
    reader.cancel().catch(() => undefined);
    throw error;
  }
  return text.text();
}

/** @throws {ProviderUnavailableError} for status 429 and 5xx, which a provider sends when it cannot process the request */
export function refuseUnlessAnswered({ url, status, headers }: ProviderAnswer): void {
  if (status !== 429 && status < 500) return;
  const retryAfter = secondsUntil(headers.get('retry-after'));
  // RFC 9110 section 15.6.4, RFC 6585 section 4: these two apply to the server, others to one request.
  const askedForPause = retryAfter !== undefined && (status === 503 || status === 429);
  throw unavailable(url, `answered ${status}`, { retryAfter, askedForPause });
}

export function unavailable(
  url: string,
  reason: string,
  rest: ProviderUnavailableErrorOptions = {},
): ProviderUnavailableError {
  return new ProviderUnavailableError({ detail: `${withoutQuery(url)}: ${reason}`, ...rest });
}

/**
 * Returns the reason of an error. Node's `fetch` has it in the cause (ECONNREFUSED, an invalid certificate). Secrets in URLs
 * are removed: the error of a `fetcher` may contain the URL of a proxy with its password.
 */
export function reasonOf(error: unknown): string {
  if (!isError(error)) return 'failed';
  const reason = isError(error.cause) ? `${error.message}: ${error.cause.message}` : error.message;
  return hideSecretsOfAddresses(reason);
}

/** Returns the error itself, unless it or one of its causes contains a URL with a secret: applications log whole errors. */
export function causeOf(error: unknown): unknown {
  for (let each = error, depth = 0; isError(each) && depth < 5; each = each.cause, depth++) {
    const { input } = each as { readonly input?: unknown };
    const texts = [each.message, input].filter((text) => typeof text === 'string');
    if (texts.some((text) => hideSecretsOfAddresses(text) !== text)) return new Error(reasonOf(error));
  }
  return error;
}

/** The error of an abort is not a native error, and an error of another realm is not an `instanceof Error`. */
function isError(value: unknown): value is Error {
  return isObject(value) && typeof value['message'] === 'string';
}

/** Removes query, fragment and credentials from a URL for logs: these may contain a key. */
export function withoutQuery(url: string): string {
  if (!URL.canParse(url)) return 'an invalid URL';
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Parses `Retry-After`, as seconds or as a date (RFC 9110 section 10.2.3). Returns an hour at the most. */
function secondsUntil(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const seconds = /^\d+$/.test(retryAfter)
    ? Number(retryAfter)
    : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), 3600) : undefined;
}
