/** Finds the classes for whose methods a guard may run: controllers, and providers with decorators (resolvers, gateways). */
import type { DiscoveryService } from '@nestjs/core';
import { declaresAnything, type Controller } from '../policy/levels.js';

export interface GuardedClass {
  readonly controller: Controller;
  /** `false`: a provider. */
  readonly isController: boolean;
  /** The object on which Nest calls the methods; for a request-scoped class, an object that has only its prototype. */
  readonly instance: unknown;
}

export function guardedClasses(
  discovery: Pick<DiscoveryService, 'getControllers' | 'getProviders'>,
): readonly GuardedClass[] {
  const controllers = discovery.getControllers().flatMap((wrapper) => guardedClass(wrapper, true));
  const providers = discovery.getProviders().flatMap((wrapper) => guardedClass(wrapper, false));
  return [...controllers, ...providers.filter(({ controller }) => declaresAnything(controller))];
}

/** Returns nothing for a value, which has no class. A factory is listed as a class without decorators. */
function guardedClass(
  wrapper: { readonly metatype: unknown; readonly instance: unknown },
  isController: boolean,
): GuardedClass[] {
  const { metatype } = wrapper;
  if (typeof metatype !== 'function') return [];
  // A getter, so that instances of providers without decorators of this module are not touched.
  return [
    {
      controller: metatype,
      isController,
      get instance() {
        return wrapper.instance;
      },
    },
  ];
}
