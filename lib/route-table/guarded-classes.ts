/** The classes whose methods a guard may see: controllers, and providers that carry decorators (resolvers, gateways). */
import type { DiscoveryService } from '@nestjs/core';
import { declaresAnything, type Controller } from '../policy/levels.js';

export interface GuardedClass {
  readonly controller: Controller;
  /** `false`: a provider. */
  readonly isController: boolean;
  /** What Nest calls the methods on; of a request-scoped class an object that has only its prototype. */
  readonly instance: unknown;
}

export function guardedClasses(
  discovery: Pick<DiscoveryService, 'getControllers' | 'getProviders'>,
): readonly GuardedClass[] {
  const controllers = discovery.getControllers().flatMap((wrapper) => guardedClass(wrapper, true));
  const providers = discovery.getProviders().flatMap((wrapper) => guardedClass(wrapper, false));
  return [...controllers, ...providers.filter(({ controller }) => declaresAnything(controller))];
}

/** Factories and values have no class to carry decorators. */
function guardedClass(
  wrapper: { readonly metatype: unknown; readonly instance: unknown },
  isController: boolean,
): GuardedClass[] {
  const { metatype } = wrapper;
  if (typeof metatype !== 'function') return [];
  // Read when asked for: of a provider that is none of ours, nothing is touched.
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
