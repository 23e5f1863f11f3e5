import { declares } from './declarations.js';

/**
 * Requires a token of one of these issuers: names of the option `issuers`, or issuers as they are configured. Tokens of other
 * issuers are rejected with 401 `invalid_token`.
 *
 * With decorators on class and handler, the issuer must be in both. With a name that is not configured, or without a common
 * issuer, the application does not start ({@link ConfigurationError}); if `issuers` is a function, names are compared at the request.
 *
 * @throws {TypeError} when the class is loaded, without an issuer, or for one that is not a string
 *
 * @example
 * ```ts
 * @Controller('admin') @Issuers('staff') export class AdminController {}
 * ```
 */
export function Issuers(...issuers: readonly [string, ...string[]]): ClassDecorator & MethodDecorator {
  const named: readonly unknown[] = issuers;
  if (named.length === 0 || !named.every((each) => typeof each === 'string' && each !== ''))
    throw new TypeError(`@Issuers() needs at least one issuer, each a string; got ${JSON.stringify(named)}`);
  return declares({ kind: 'issuers', issuers: Object.freeze([...issuers]) });
}
