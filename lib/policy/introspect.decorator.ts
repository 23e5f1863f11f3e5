import { declares } from './declarations.js';

export interface IntrospectDecoratorOptions {
  /** An answer of the provider that is at most this old will do, in seconds. @default 0: ask now */
  readonly maxAge?: number;
}

/**
 * Where a live answer is wanted: the provider is asked about the token (RFC 7662), a JWT too, unless it answered at most
 * `maxAge` seconds ago in this process. A revocation bites at once, at the price of a request to the provider. Requests
 * with one token that wait at the same time share one question.
 *
 * Needs introspection to be configured, else the application refuses to start ({@link ConfigurationError}). Of a maximum
 * age on the class and one on the handler the smaller counts.
 *
 * @throws {TypeError} where the decorator stands, for a maximum age that is not a number of seconds
 */
export function Introspect({ maxAge = 0 }: IntrospectDecoratorOptions = {}): ClassDecorator &
  MethodDecorator {
  if (typeof maxAge !== 'number' || !(maxAge >= 0)) {
    throw new TypeError(`@Introspect(): maxAge ${String(maxAge)} is not a number of seconds`);
  }
  return declares({ kind: 'introspect', maxAge });
}
