/** Checks scopes in code below the route, such as one tool of an MCP server, where one route serves all tools. */
import { scopesOf } from '../access/grants.js';
import { readScopeNames } from '../access/scope-names.js';
import { MissingTokenError, TokenError } from '../errors/auth.errors.js';
import { ValidatedToken } from '../token/validated-token.js';
import { principalOf } from './authenticated-request.js';

/**
 * Throws unless the caller of a request has all of these scopes: for operations below a route, such as a tool of an MCP server. If
 * the error leaves the handler, the response is that of the guard: 403 `insufficient_scope` with these scopes and
 * `resource_metadata`; 401 if no token was read.
 *
 * Call it before other code catches errors: an MCP server answers an error inside a tool with status 200. The token itself is not
 * validated again.
 *
 * @param request the request of Express or Fastify
 * @param scopes all scopes of the operation, including those of the route
 * @throws {TokenError} `insufficient_scope`
 * @throws {MissingTokenError} on a route that read no token, and for an anonymous caller
 * @throws {TypeError} without a scope, or for one with a space or a quote
 *
 * @example
 * ```ts
 * if (tool === 'cancel_order') requireScopes(request, 'read:orders', 'write:orders');
 * ```
 */
export function requireScopes(request: object, ...scopes: readonly [string, ...string[]]): void {
  const required = readScopeNames('requireScopes', scopes);
  const principal = principalOf(request);
  if (!principal) throw new MissingTokenError({ detail: 'requireScopes(): no token was read' });
  const held = scopesOf(
    principal instanceof ValidatedToken ? principal : { claims: principal.claims, scopes: undefined },
  );
  const missing = required.filter((scope) => !held.has(scope));
  if (missing.length > 0)
    throw new TokenError('insufficient_scope', {
      detail: `missing scope: ${missing.join(' ')}`,
      scopes: required,
    });
}
