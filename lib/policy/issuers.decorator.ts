import { declares } from './declarations.js';

/**
 * The token must be of one of these issuers: names of the option `issuers`, or issuers as they are configured. A token of
 * another one is refused: 401 `invalid_token`.
 *
 * On class and handler: of an issuer that both name. A name that is not configured, and class and handler with nobody in
 * common, stop the start ({@link ConfigurationError}); where `issuers` is a function, this shows at the request.
 *
 * @throws {TypeError} where the decorator stands, for no issuer or for one that is no string
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
