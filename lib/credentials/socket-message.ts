/**
 * Distinguishes the messages of one WebSocket connection: Nest passes the same client with each message, and creates new
 * arguments for each step.
 */

/** Represents one message, among the arguments of its handler. */
export class SocketMessage {}

/** @param args the arguments of a handler: client, data, acknowledgement or event, `SocketMessage`, pattern (on Nest 11 twice) */
export function messageIn(args: readonly unknown[]): SocketMessage | undefined {
  for (let index = args.length - 2; index > 0; index--) {
    const each = args[index];
    if (each instanceof SocketMessage) return each;
  }
  return undefined;
}
