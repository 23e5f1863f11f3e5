import { declares } from './declarations.js';

/** RFC 6749 section 3.3: scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

/**
 * The token must hold all of these scopes (RFC 6749 section 3.3). Scopes on the class and on the handler add up.
 *
 * @throws {TypeError} where the decorator stands, for no scope or for one with a space or a quote in it
 */
export function Scopes(...scopes: readonly [string, ...string[]]): ClassDecorator & MethodDecorator {
  if (scopes.length === 0) throw new TypeError('@Scopes() needs at least one scope');
  const wrong = scopes.find((scope) => typeof scope !== 'string' || !SCOPE_TOKEN.test(scope));
  if (wrong !== undefined) {
    throw new TypeError(
      `@Scopes(): ${JSON.stringify(wrong)} is not one scope; write @Scopes('a', 'b') for two`,
    );
  }
  return declares({ kind: 'scopes', scopes: Object.freeze([...scopes]) });
}
