/** Finds requirements that compare a claim with a path parameter that their route does not have. */
import { accessOf } from '../access/authorize.js';
import type { MessageHandler } from '../guard/message-handlers.js';
import type { ControllerRoute } from './controller-routes.js';

/** Returns one sentence for each: no caller could satisfy such a requirement. */
export function unmetParameters(
  routes: readonly ControllerRoute[],
  messages: readonly MessageHandler[],
): readonly string[] {
  const found = [
    ...routes.flatMap(({ handler = '', method, path, requirements }) =>
      requirements.flatMap(({ decorator, params = [] }) =>
        params
          .filter((name) => !hasParameter(path, name))
          .map((name) => `${handler}: ${decorator} reads :${name}, which ${method} ${path} does not have`),
      ),
    ),
    ...messages.flatMap(({ name: handler, kind, policy }) =>
      accessOf(policy).requirements.flatMap(({ decorator, params = [] }) =>
        params.map((name) => `${handler}: ${decorator} reads :${name}, and a ${kind} handler has no path`),
      ),
    ),
  ];
  return [...new Set(found)];
}

/** `:name`, or a wildcard `*name`. */
function hasParameter(path: string, name: string): boolean {
  return [...path.matchAll(/[:*](\w+)/g)].some(([, each]) => each === name);
}
