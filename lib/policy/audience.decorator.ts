import { declares } from './declarations.js';

/**
 * This is an API of its own: `aud` of the token must contain this audience, which must be among those of the token's issuer
 * (option `audience`). A token for another API of the application is refused: 401 `invalid_token`.
 *
 * That of the handler wins over that of its class. An override and a subclass must name the audience of what they override,
 * or none; another one, and an audience that no issuer is configured with, stops the start ({@link ConfigurationError}).
 *
 * With the option `resourceMetadata`, challenges name the metadata of this API (RFC 9728).
 *
 * @throws {TypeError} where the decorator stands, for what is no string
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
