import { declares } from './declarations.js';

/**
 * A token is welcome but not asked for: without one the handler runs and `@Claims()` is `undefined`.
 *
 * A token that is there must be good and must hold what `@Scopes()`, `@Groups()` and `@CertBound()` of the route ask:
 * absent is fine, wrong is not. On a class it speaks for the routes that say nothing themselves.
 *
 * The application refuses to start ({@link ConfigurationError}) with it on a subclass of a class that requires something,
 * and on an override of a method that does.
 *
 * @throws {TypeError} where the decorator stands, on anything but a class or a method
 */
export const OptionalAuth = (): ClassDecorator & MethodDecorator => declares({ kind: 'optional' });
