/** Checks at start-up that the decorators of every handler are consistent, and that guards will find them. */
import { isDeepStrictEqual } from 'node:util';
import { ConfigurationError } from '../errors/auth.errors.js';
import { methodOn, registerHandlers } from './handlers.js';
import { anyMethodDeclares, propertiesOf, type Controller } from './levels.js';
import { compileRoutePolicy, type RoutePolicy } from './route-policy.js';

export interface HandlerPolicy {
  /** `OrdersController.list` */
  readonly place: string;
  readonly policy: RoutePolicy;
}

export interface CheckedHandlers {
  readonly policies: readonly HandlerPolicy[];
  /** One sentence for each handler whose decorators contradict one another or cannot be applied. */
  readonly problems: readonly string[];
}

/**
 * Compiles the policy of every method of a class as guards will read it.
 *
 * @param instance the object on which Nest calls the methods. Of a request-scoped class, only the prototype is known at
 *   startup: a problem that its constructor causes is found with a request, which is then rejected
 */
export function checkHandlers(controller: Controller, instance: unknown): CheckedHandlers {
  registerHandlers(controller, instance);
  const target = typeof instance === 'object' && instance !== null ? instance : controller.prototype;
  const policies: HandlerPolicy[] = [];
  const problems = new Set<string>();
  for (const property of propertiesOf(controller)) {
    const place = `${controller.name}.${String(property)}`;
    try {
      const policy = readPolicyOn(target as object, controller, property, place);
      if (policy) policies.push({ place, policy });
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.add(error.message);
    }
  }
  return { policies, problems: [...problems] };
}

function readPolicyOn(
  target: object,
  controller: Controller,
  property: string | symbol,
  place: string,
): RoutePolicy | undefined {
  const handler = methodOn(target, property);
  if (!handler) return undefined;
  if (handler !== methodOn(target, property) && anyMethodDeclares(controller)) {
    throw new ConfigurationError(
      `${place}: the instance returns another function each time, so its decorators cannot be applied`,
    );
  }
  const policy = compileRoutePolicy(controller, handler);
  // The class that Nest passes to guards.
  const seen: unknown = target.constructor;
  if (typeof seen !== 'function' || !isDeepStrictEqual(compileRoutePolicy(seen, handler), policy)) {
    throw new ConfigurationError(
      `${place}: ${controller.name} creates instances of another class whose decorators differ`,
    );
  }
  return policy;
}
