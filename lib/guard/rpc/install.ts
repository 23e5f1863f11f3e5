/** Puts interceptor and filter on message handlers, before Nest registers them. */
import 'reflect-metadata';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { findMessagePatterns, functionsOf } from './message-patterns.js';
import { REFUSED_MESSAGE_FILTER } from './refused-messages.filter.js';
import { REPLY_INTERCEPTOR } from './streamed-replies.js';

/** Keys of Nest's own decorators, the same in 11 and 12. */
const INTERCEPTORS = '__interceptors__';
const FILTERS = '__exceptionFilters__';

/** Outermost of the handler's own interceptors, so that none hides the end; the filter comes first, for refusals only. */
export function watchMessageHandlers(modules: ModulesContainer): void {
  for (const found of findMessagePatterns(modules)) {
    for (const handler of functionsOf(found)) {
      if (found.isPassedThrough) append(FILTERS, handler, REFUSED_MESSAGE_FILTER);
      else if (!found.isEvent) prepend(INTERCEPTORS, handler, REPLY_INTERCEPTOR);
    }
  }
}

/**
 * Nest asks for the global filters of each handler that it registers, before it reads the handler's own. By then every
 * instance is there. Lifecycle hooks come after that in a microservice that stands alone, and there is no middleware.
 */
export function beforeHandlersAreRegistered(
  config: Pick<ApplicationConfig, 'getGlobalFilters'>,
  prepare: () => void,
): void {
  const read = config.getGlobalFilters.bind(config);
  let isPrepared = false;
  config.getGlobalFilters = () => {
    if (!isPrepared) prepare();
    isPrepared = true;
    return read();
  };
}

function prepend(key: string, handler: object, value: object): void {
  const others = valuesOf(key, handler);
  if (!others.includes(value)) Reflect.defineMetadata(key, [value, ...others], handler);
}

/** Nest asks the last filter first. */
function append(key: string, handler: object, value: object): void {
  const others = valuesOf(key, handler);
  if (!others.includes(value)) Reflect.defineMetadata(key, [...others, value], handler);
}

function valuesOf(key: string, handler: object): readonly unknown[] {
  const present: unknown = Reflect.getMetadata(key, handler);
  return Array.isArray(present) ? present : [];
}
