/** Ends `@Sse()` streams when the token that opened them ends. */
import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { OpenStream, OpenStreams } from './open-streams.js';

/** With HTTP/2, `stream` shows whether the response is closed. */
type Response = ServerResponse & { readonly stream?: { readonly destroyed: boolean } };

/** The metadata key of `@Sse()`, the same in Nest 11 and 12. */
const SSE = '__sse__';
/** Whether a handler has `@Sse()`: metadata is slow to read, and most handlers do not have it. */
const known = new WeakMap<object, boolean>();

/** Ends the response when the token ends; does nothing for other handlers. */
export function endServerSentEvents(
  context: ExecutionContext,
  streams: OpenStreams,
  subscriber: Omit<OpenStream, 'end'>,
): void {
  if (context.getType<string>() !== 'http' || !streamsEvents(context.getHandler())) return;
  const answer = context.switchToHttp().getResponse<Response & { readonly raw?: Response }>();
  const response = answer.raw ?? answer;
  // The client disconnected while the guard was waiting: nothing is open, and no `close` event will follow.
  if (response.destroyed || response.stream?.destroyed === true) return;
  const stream: OpenStream = {
    ...subscriber,
    end: () => {
      // Writing an event between now and the end of the connection is an error, which is ignored.
      response.on('error', () => undefined);
      // Nest stays subscribed to the events until the connection closes, and a client or a proxy may keep it open and reuse it.
      // An HTTP/2 connection has other streams. Once the response has ended, it no longer has its socket.
      const { socket } = response;
      response.end(() => {
        if (response.req.httpVersionMajor === 1) socket?.destroySoon();
      });
    },
  };
  streams.open(stream);
  response.once('close', () => streams.close(stream));
}

export function streamsEvents(handler: object): boolean {
  let answer = known.get(handler);
  if (answer === undefined) known.set(handler, (answer = Reflect.getMetadata(SSE, handler) === true));
  return answer;
}
