/** Registers routes directly on the HTTP adapter (Express or Fastify) that receive a body of limited size. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';

/** The maximum size of a body. Logout tokens and Security Event Tokens have a few kilobytes. */
const MAX_BODY_BYTES = 65_536;
/** The maximum size up to which a body that is too large is read and discarded: a sender reads the response only after it has sent everything. */
const MAX_IGNORED_BYTES = 2_097_152;
/** The maximum time to read a body, in milliseconds. */
const BODY_MS = 10_000;

export interface Posted {
  /** Without parameters, in lower case; empty if there is none. */
  readonly contentType: string;
  readonly authorization: string | undefined;
  /** `undefined` for a body that is too large or incomplete. */
  readonly body: string | undefined;
}

export interface PostAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string>>;
}

export type AnswerPost = (posted: Posted) => Promise<PostAnswer>;

/** A body that a parser of the application has already read. */
type Received = IncomingMessage & { readonly body?: unknown };

/** The part of Fastify that is used. */
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
 * Registers `POST path` at the root of the host, without global prefix, versions and guards, and before the body parsers of the
 * application.
 *
 * @param name the name of the handler in lists of routes
 */
export function servePost(
  { httpAdapter }: HttpAdapterHost,
  path: string,
  name: string,
  answer: AnswerPost,
): void {
  const type: unknown = httpAdapter?.getType?.();
  const handle = (request: Received, response: ServerResponse): void => {
    // If the application has already responded, no response can be sent.
    respond(request, response, answer).catch(() => response.destroy());
  };
  Object.defineProperty(handle, 'name', { value: name });
  if (type === 'express') {
    httpAdapter.post(path, handle);
  } else if (type === 'fastify') {
    // In a separate scope, because Fastify rejects content types that it has no parser for.
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
  // The rest of a body that was too large must not be read as the next request.
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

/** Returns `undefined` for a body that is too large or incomplete. */
function readBody(request: Received): Promise<string | undefined> {
  const { body } = request;
  // A parser that the application has added to the adapter has already consumed the bytes.
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
