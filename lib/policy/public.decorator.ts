import { declares } from './declarations.js';

/**
 * No token is asked for and none is looked at.
 *
 * On a handler it opens that route, whatever its class says. On a class it opens only the routes that ask for nothing
 * themselves: a handler with `@Scopes()`, `@Groups()` or `@CertBound()` stays protected.
 *
 * The application refuses to start ({@link ConfigurationError}) with one of those in the same place, on a subclass of a
 * class that has one, and on an override of a method that has one.
 *
 * @throws {TypeError} where the decorator stands, on anything but a class or a method
 */
export const Public = (): ClassDecorator & MethodDecorator => declares({ kind: 'public' });
