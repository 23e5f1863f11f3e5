import { declares } from './declarations.js';

/**
 * No token is asked for and none is looked at.
 *
 * On a handler it opens that route, whatever its class says. On a class it opens only the routes that ask for nothing
 * themselves: a handler with `@Scopes()`, `@Groups()` or `@CertBound()` stays protected. Together with one of those in
 * the same place, the application refuses to start ({@link ConfigurationError}).
 */
export const Public = (): ClassDecorator & MethodDecorator => declares({ kind: 'public' });
