/** Routes on the HTTP adapter itself that receive one bounded body, on Express and Fastify. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';

/** A logout token or a Security Event Token has some kilobytes. */
const MAX_BODY_BYTES = 65_536;
/** A body that is too large is dropped while it arrives, so far: a sender reads the answer after it has sent all. */
const MAX_IGNORED_BYTES = 2_097_152;
/** A body that takes longer is not read to its end, in milliseconds. */
const BODY_MS = 10_000;

export interface Posted {
  /** Without parameters, in lower case; empty if there is none. */
  readonly contentType: string;
  readonly authorization: string | undefined;
  /** `undefined` for a body that is too large, or does not come to its end. */
  readonly body: string | undefined;
}

export interface PostAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string>>;
}

export type AnswerPost = (posted: Posted) => Promise<PostAnswer>;

/** A body that a parser of the application has read already. */
type Received = IncomingMessage & { readonly body?: unknown };

/** What is used of Fastify. */
interface FastifyLike {
  register(plugin: (instance: FastifyScope, options: unknown, done: () => void) => void): unknown;
}
interface FastifyScope {
  removeAllContentTypeParsers(): unknown;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  post(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => void): unknown;
}
interface FastifyRequest {
  readonly raw: IncomingMessage;
}
interface FastifyReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/**
 * Registers `POST path` at the root of the host: outside of global prefix, versions and guards, and before the body parsers
 * of the application.
 *
 * @param name of the handler, for lists of routes
 */
export function servePost(
  { httpAdapter }: HttpAdapterHost,
  path: string,
  name: string,
  answer: AnswerPost,
): void {
  const type: unknown = httpAdapter?.getType?.();
  const handle = (request: Received, response: ServerResponse): void => {
    // Where something of the application has answered before, nothing can be said any more.
    respond(request, response, answer).catch(() => response.destroy());
  };
  Object.defineProperty(handle, 'name', { value: name });
  if (type === 'express') {
    httpAdapter.post(path, handle);
  } else if (type === 'fastify') {
    // In a scope of its own: Fastify refuses content types that it has no parser for.
    httpAdapter.getInstance<FastifyLike>().register((scope, _options, done) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
      const handleFastify = (request: FastifyRequest, reply: FastifyReply): void => {
        reply.hijack();
        handle(request.raw, reply.raw);
      };
      Object.defineProperty(handleFastify, 'name', { value: name });
      scope.post(path, handleFastify);
      done();
    });
  }
}

async function respond(request: Received, response: ServerResponse, answer: AnswerPost): Promise<void> {
  const posted = await readBody(request);
  const type = request.headers['content-type'] ?? '';
  const { status, headers, body } = await answer({
    contentType: (type.split(';')[0] ?? '').trim().toLowerCase(),
    authorization: request.headers.authorization,
    body: posted,
  });
  if (response.headersSent) return;
  const text = body === undefined ? '' : JSON.stringify(body);
  // What is left of a body that was too large must not be read as the next request.
  const isLast = posted === undefined && request.httpVersionMajor === 1;
  response.writeHead(status, {
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(text),
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    ...(isLast && { Connection: 'close' }),
    ...headers,
  });
  response.end(text);
}

/** `undefined` if it is too large, or does not come to its end. */
function readBody(request: Received): Promise<string | undefined> {
  const { body } = request;
  // An adapter that the application has put a parser on before: the bytes are gone.
  if (request.readableEnded && body !== undefined) return Promise.resolve(textOf(body));
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (text: string | undefined): void => {
      clearTimeout(timer);
      request.off('data', take).off('end', end).off('error', fail).off('close', fail);
      request.on('error', () => undefined);
      resolve(text);
    };
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
      else chunks.length = 0;
      if (length > MAX_IGNORED_BYTES) settle(undefined);
    };
    const end = (): void => settle(length <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString() : undefined);
    const fail = (): void => settle(undefined);
    const timer = setTimeout(fail, BODY_MS).unref();
    request.on('data', take).on('end', end).on('error', fail).on('close', fail);
  });
}

function textOf(body: unknown): string | undefined {
  if (typeof body === 'string') return body;
  if (Buffer.isBuffer(body)) return body.toString();
  if (typeof body !== 'object' || body === null) return undefined;
  const entries = Object.entries(body).flatMap(([name, value]) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((each): [string, string] => [name, typeof each === 'string' ? each : '']);
  });
  return new URLSearchParams(entries).toString();
}
