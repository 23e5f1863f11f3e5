import { declares } from './declarations.js';

/**
 * Opens a route: no token is required, and none is read.
 *
 * On a handler it opens that route, whatever its class requires. On a class it opens only handlers without requirements: a handler
 * with `@Scopes()`, `@Groups()` or `@CertBound()` stays protected.
 *
 * Together with a requirement in the same place, on a subclass of a class with a requirement, and on an override of a method with
 * one, it prevents the start ({@link ConfigurationError}).
 *
 * @throws {TypeError} when the class is loaded, on anything but a class or an instance method
 *
 * @example
 * ```ts
 * @Get('status') @Public() status() {}
 * ```
 */
export const Public = (): ClassDecorator & MethodDecorator => declares({ kind: 'public' });
