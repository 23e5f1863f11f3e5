/** Adds an interceptor and a filter to message handlers, before Nest registers them. */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { findMessagePatterns, functionsOf } from './message-patterns.js';
import { REFUSED_MESSAGE_FILTER } from './refused-messages.filter.js';
import { REPLY_INTERCEPTOR } from './streamed-replies.js';

/** Metadata keys of Nest's decorators, the same in 11 and 12. */
const INTERCEPTORS = '__interceptors__';
const FILTERS = '__exceptionFilters__';

@Injectable()
export class MessageWatch {
  #hasBegun = false;

  /**
   * Wraps `getGlobalFilters()`: Nest calls it for each handler that it registers, before it reads the handler's own filters. By
   * then all instances exist. In a standalone microservice, lifecycle hooks run only after that, and there is no middleware.
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

  /**
   * The interceptor is the outermost of the handler's own, so that none of them hides the end. The filter is tried first, and
   * handles only rejections.
   */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    for (const found of findMessagePatterns(this.modules)) {
      // The functions of an instance for one message are not known yet, so the class gets the metadata.
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

/** Nest tries the last filter first. */
function append(key: string, handler: object, value: object): void {
  const others = valuesOf(key, handler);
  if (!others.includes(value)) Reflect.defineMetadata(key, [...others, value], handler);
}

function valuesOf(key: string, handler: object): readonly unknown[] {
  const present: unknown = Reflect.getMetadata(key, handler);
  return Array.isArray(present) ? present : [];
}
