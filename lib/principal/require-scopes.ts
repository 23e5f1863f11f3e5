/** Scopes for code below the route: one tool of an MCP server, say, where one route serves all tools. */
import { scopesOf } from '../access/grants.js';
import { readScopeNames } from '../access/scope-names.js';
import { MissingTokenError, TokenError } from '../errors/auth.errors.js';
import { ValidatedToken } from '../token/validated-token.js';
import { principalOf } from './authenticated-request.js';

/**
 * Throws unless the caller of a request holds all of these scopes. What it throws is answered as the guard would answer it,
 * when it leaves the handler: 403 `insufficient_scope` with these scopes and `resource_metadata`, so that a client can ask
 * for them; 401 where no token was looked at.
 *
 * Call it before something else catches errors: an MCP server answers an error inside a tool with status 200.
 *
 * @param request Express's or Fastify's
 * @throws {TokenError} `insufficient_scope`
 * @throws {MissingTokenError} on a route that looked at no token, and for an anonymous caller
 * @throws {TypeError} for no scope, or for one with a space or a quote in it
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
