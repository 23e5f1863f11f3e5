import { declares } from './declarations.js';

/**
 * Makes the class or handler part of an API with its own audience: `aud` of the token must contain it, and it must be among the
 * audiences of the token's issuer (option `audience`). Tokens for other APIs of the application are rejected with 401 `invalid_token`.
 *
 * The handler's audience overrides that of its class. An override and a subclass must have the same audience as what they
 * override, or none; with another one, and with an audience that no issuer is configured with, the application does not start
 * ({@link ConfigurationError}).
 *
 * With the option `resourceMetadata`, challenges contain the URL of this API's metadata (RFC 9728).
 *
 * @throws {TypeError} when the class is loaded, if the audience is not a string
 *
 * @example
 * ```ts
 * @Controller('invoices') @Audience('https://api.example.com/invoices') export class InvoicesController {}
 * ```
 */
export function Audience(audience: string): ClassDecorator & MethodDecorator {
  if (typeof audience !== 'string' || audience === '')
    throw new TypeError(`@Audience() needs an audience; got ${JSON.stringify(audience)}`);
  return declares({ kind: 'audience', audience });
}
