/** Tells the messages of one WebSocket connection apart: Nest passes the same client with each of them, and makes new arguments for each step. */

/** Stands for one message, among the arguments of its handler. */
export class SocketMessage {}

/** @param args of a handler: client, data, acknowledgement or event, what stands for the message, pattern (on Nest 11 twice) */
export function messageIn(args: readonly unknown[]): SocketMessage | undefined {
  for (let index = args.length - 2; index > 0; index--) {
    const each = args[index];
    if (each instanceof SocketMessage) return each;
  }
  return undefined;
}
