/** Puts interceptor and filter on message handlers, before Nest registers them. */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { findMessagePatterns, functionsOf } from './message-patterns.js';
import { REFUSED_MESSAGE_FILTER } from './refused-messages.filter.js';
import { REPLY_INTERCEPTOR } from './streamed-replies.js';

/** Keys of Nest's own decorators, the same in 11 and 12. */
const INTERCEPTORS = '__interceptors__';
const FILTERS = '__exceptionFilters__';

@Injectable()
export class MessageWatch {
  #hasBegun = false;

  /**
   * Nest asks for the global filters of each handler that it registers, before it reads the handler's own. By then every
   * instance is there. Lifecycle hooks come after that in a microservice that stands alone, and there is no middleware.
   */
  constructor(
    @Inject(ApplicationConfig) config: Pick<ApplicationConfig, 'getGlobalFilters'>,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {
    const read = config.getGlobalFilters.bind(config);
    config.getGlobalFilters = () => {
      this.begin();
      return read();
    };
  }

  /** Outermost of the handler's own interceptors, so that none hides the end; the filter comes first, for refusals only. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    for (const found of findMessagePatterns(this.modules)) {
      // What an instance of a message brings is not known yet; the class is.
      for (const handler of found.isPerMessage ? [found.metatype] : functionsOf(found)) {
        if (found.isPassedThrough) append(FILTERS, handler, REFUSED_MESSAGE_FILTER);
        else if (!found.isEvent) prepend(INTERCEPTORS, handler, REPLY_INTERCEPTOR);
      }
    }
  }
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
