/** Describes the responses of the guard for the routes of an OpenAPI operation. */
import type { Requirement } from '../access/requirement.js';
import { requirementsOf } from '../route-table/print-routes.js';
import type { ControllerRoute } from '../route-table/controller-routes.js';

export interface Response {
  readonly description: string;
  readonly headers?: Record<string, object>;
  readonly content: object;
}

/** Returns the responses by status; none for public routes, which read no token. */
export function responsesFor(routes: readonly ControllerRoute[]): Record<string, Response> {
  const guarded = routes.filter(({ access }) => access !== 'public');
  if (guarded.length === 0) return {};
  const missing = guarded.every(({ access }) => access === 'optional')
    ? 'The access token is invalid.'
    : 'The access token is missing or invalid.';
  const bound = unique(
    guarded.flatMap(({ binding, issuers, audience }) =>
      requirementsOf({ requires: [], binding, introspectMaxAge: undefined, issuers, audience }),
    ),
  );
  const signIns = describedIn(guarded, 'authentication');
  const held = unique(guarded.flatMap(({ requires }) => requires)).filter((each) => !signIns.includes(each));
  const about = [
    missing,
    ...(bound.length > 0 ? [`It must be ${bound.join(' and ')}.`] : []),
    ...(signIns.length > 0 ? [`It requires a ${signIns.join(', or a ')} (RFC 9470).`] : []),
  ];
  return {
    401: {
      description: about.join(' '),
      headers: { 'WWW-Authenticate': header('The challenge (RFC 6750).') },
      content: body(401, 'unauthorized'),
    },
    ...(held.length > 0 && {
      403: {
        description: `The access token lacks: ${held.join('; ')}.`,
        headers: {
          'WWW-Authenticate': header('`insufficient_scope`, with the required scopes (RFC 6750).'),
        },
        content: body(403, 'forbidden'),
      },
    }),
    503: {
      description: 'The authorization server is unavailable.',
      headers: { 'Retry-After': header('Seconds to wait before the next attempt.') },
      content: body(503, 'service unavailable'),
    },
  };
}

/** Returns, in words, the requirements that are checked in this phase. */
function describedIn(routes: readonly ControllerRoute[], phase: Requirement['phase']): readonly string[] {
  return unique(
    routes.flatMap(({ requires, requirements }) =>
      requires.filter((_, index) => requirements[index]?.phase === phase),
    ),
  );
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)];
}

function header(description: string): object {
  return { description, schema: { type: 'string' } };
}

function body(statusCode: number, message: string): object {
  const properties = { statusCode: { type: 'integer' }, message: { type: 'string' } };
  const schema = { type: 'object', properties, required: ['statusCode', 'message'] };
  return { 'application/json': { schema, example: { statusCode, message } } };
}
