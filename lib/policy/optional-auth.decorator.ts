import { declares } from './declarations.js';

/**
 * Makes the token optional: without one, the handler runs and `@Claims()` is `undefined`.
 *
 * A token that is sent must be valid and satisfy the requirements of the route (`@Scopes()`, `@Groups()`, `@CertBound()`, …);
 * otherwise the request is rejected. On a class it applies to handlers without decorators of their own.
 *
 * On a subclass of a class with a requirement, and on an override of a method with one, it prevents the start
 * ({@link ConfigurationError}).
 *
 * @throws {TypeError} when the class is loaded, on anything but a class or an instance method
 *
 * @example
 * ```ts
 * @Get('teaser') @OptionalAuth() teaser(@Claims() claims?: AccessTokenClaims) {}
 * ```
 */
export const OptionalAuth = (): ClassDecorator & MethodDecorator => declares({ kind: 'optional' });
