/** Reads the token of a message from its `authorization` header, otherwise from the `messageTokenResolver` of the application. */
import type { ExecutionContext } from '@nestjs/common';
import { InvalidRequestError, invalidToken } from '../errors/auth.errors.js';
import { parseAuthorization, resolvedToken, type Credentials } from './extract-credentials.js';
import { authorizationValuesOf, type MessageCall } from './message-call.js';

/**
 * Returns the token of a message, for transports without headers: TCP and Redis on Nest 11, and custom transports. Called for every
 * message to a handler that is not public, if the transport's own place contains no token. It returns the token without a scheme;
 * `undefined`, `null` or an empty string: no token. An error results in 500.
 *
 * A token in the payload is stored, logged and retried together with the payload.
 */
export type MessageTokenResolver = {
  resolve(context: ExecutionContext): string | undefined | Promise<string | undefined>;
}['resolve'];

export interface MessageOptions {
  /**
   * `(context: ExecutionContext) => token`, for [messages](../../docs/microservices.md) of transports that have no headers.
   *
   * @default the header `authorization` of gRPC, NATS, RabbitMQ, Kafka, MQTT 5, and on Nest 12 of TCP and Redis
   */
  readonly messageTokenResolver?: MessageTokenResolver | undefined;
}

/**
 * Returns the credentials of a message; `undefined` if it has none.
 *
 * @throws {InvalidRequestError} for more than one value, even if they are equal
 * @throws {TokenError} `invalid_token` if a value that must contain a token does not
 */
export function resolveMessageCredentials(
  call: MessageCall,
  { messageTokenResolver }: MessageOptions,
  context: ExecutionContext,
): Credentials | undefined | Promise<Credentials | undefined> {
  const inHeader = readHeader(call);
  if (inHeader || !messageTokenResolver) return inHeader;
  const found = resolvedToken(messageTokenResolver(context), 'messageTokenResolver');
  return found instanceof Promise ? found.then(asBearer) : asBearer(found);
}

function readHeader(call: MessageCall): Credentials | undefined {
  const [value, ...more] = authorizationValuesOf(call).filter((each) => each !== undefined && each !== null);
  if (value === undefined) return undefined;
  if (more.length > 0)
    throw new InvalidRequestError({ detail: 'the message has more than one value of "authorization"' });
  // Clients of Kafka and RabbitMQ may send bytes.
  const text = value instanceof Uint8Array ? Buffer.from(value).toString() : value;
  if (typeof text !== 'string')
    throw invalidToken('malformed', 'the header "authorization" of the message is not a string');
  return parseAuthorization(text);
}

function asBearer(token: string | undefined): Credentials | undefined {
  return token === undefined ? undefined : { scheme: 'Bearer', token };
}
