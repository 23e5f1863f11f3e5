import { declares } from './declarations.js';

/** Options of {@link Introspect}. */
export interface IntrospectDecoratorOptions {
  /**
   * The maximum age of a cached introspection response, in seconds. @default 0: the provider is called for each request
   */
  readonly maxAge?: number;
}

/**
 * Requires that the provider confirms the token (RFC 7662), also a JWT, unless this process has a response that is at most `maxAge`
 * seconds old. A revocation at the provider then takes effect immediately, at the cost of a call. Concurrent requests with the same
 * token share one call. A JWT must pass local validation first.
 *
 * If introspection is not configured, the application does not start ({@link ConfigurationError}). With decorators on class and
 * handler, the smaller `maxAge` applies.
 *
 * @throws {TypeError} when the class is loaded, for a `maxAge` that is not a number of seconds, or for another option
 *
 * @example
 * ```ts
 * @Post('refunds') @Introspect() refund() {}
 * @Get('balance') @Introspect({ maxAge: 10 }) balance() {}
 * ```
 */
export function Introspect({ maxAge = 0, ...others }: IntrospectDecoratorOptions = {}): ClassDecorator &
  MethodDecorator {
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw new TypeError(`@Introspect(): ${unknown} is not an option`);
  if (typeof maxAge !== 'number' || !(maxAge >= 0)) {
    throw new TypeError(`@Introspect(): maxAge ${String(maxAge)} is not a number of seconds`);
  }
  return declares({ kind: 'introspect', maxAge });
}
