/** Has `@Sse()` streams end with the token that they were opened with. */
import 'reflect-metadata';
import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { OpenStream, OpenStreams } from './open-streams.js';

/** Of HTTP/2 its stream says whether it is gone. */
type Response = ServerResponse & { readonly stream?: { readonly destroyed: boolean } };

/** The key of Nest's own decorator, the same in 11 and 12. */
const SSE = '__sse__';
/** Metadata is slow to read, and most handlers answer once. */
const known = new WeakMap<object, boolean>();

/** Ends the response when the token ends; does nothing for another handler. */
export function endServerSentEvents(
  context: ExecutionContext,
  streams: OpenStreams,
  subscriber: Omit<OpenStream, 'end'>,
): void {
  if (context.getType<string>() !== 'http' || !streamsEvents(context.getHandler())) return;
  const answer = context.switchToHttp().getResponse<Response & { readonly raw?: Response }>();
  const response = answer.raw ?? answer;
  // The client went away while the guard waited: nothing is open, and nothing closes any more.
  if (response.destroyed || response.stream?.destroyed === true) return;
  const stream: OpenStream = {
    ...subscriber,
    end: () => {
      // An event that comes between now and the end of the connection is not written any more.
      response.on('error', () => undefined);
      // Nest subscribes to the events until the connection closes; one of HTTP/2 has other streams. When the response has
      // ended, it no longer knows its socket, which a client or a proxy may keep open and use again.
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
