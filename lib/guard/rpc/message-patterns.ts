/** Finds the message handlers of microservices. Reads only metadata, so that `@nestjs/microservices` is not imported. */
import 'reflect-metadata';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';

/** Metadata keys of the decorators of `@nestjs/microservices`, the same in 11 and 12. */
const PATTERNS = 'microservices:pattern';
const HANDLER_TYPE = 'microservices:handler_type';
/** `PatternHandler.EVENT` */
const EVENT = 2;
/** `GrpcMethodStreamingType.PT_STREAMING` */
const PASSED_THROUGH = 'pt_stream';

type Method = ((...args: never[]) => unknown) & { readonly name: string };

export interface MessagePattern {
  readonly metatype: Method;
  /** The name of the method. */
  readonly property: string;
  /** The method as the class declares it. Nest may call another function, which is on the instance. */
  readonly handler: Method;
  readonly instance: unknown;
  /** Each message has its own instance, which may have other functions. */
  readonly isPerMessage: boolean;
  /** As the decorator stores them: strings, numbers or objects; for gRPC `{ service, rpc, streaming }`. */
  readonly patterns: readonly unknown[];
  readonly isEvent: boolean;
  /** `@GrpcStreamCall()` */
  readonly isPassedThrough: boolean;
}

const scanner = new MetadataScanner();

export function findMessagePatterns(modules: ModulesContainer): readonly MessagePattern[] {
  return [...modules.values()].flatMap(({ controllers }) =>
    [...controllers.values()].flatMap((wrapper) => {
      const { metatype, instance } = wrapper;
      if (typeof metatype !== 'function' || typeof metatype.prototype !== 'object') return [];
      const prototype = metatype.prototype as Record<string, Method>;
      return scanner.getAllMethodNames(prototype).flatMap((property) => {
        const handler = prototype[property];
        const patterns = handler && patternsOf(handler);
        if (!patterns) return [];
        const isPassedThrough = patterns.some((each) => streamingOf(each) === PASSED_THROUGH);
        return [
          {
            metatype: metatype as Method,
            property,
            handler,
            instance,
            isPerMessage: !wrapper.isDependencyTreeStatic(),
            patterns,
            isEvent: isEventHandler(handler),
            isPassedThrough,
          },
        ];
      });
    }),
  );
}

/** Returns the function that the class declares and, if it is another one, the function that Nest calls. */
export function functionsOf({ handler, instance, property }: MessagePattern): readonly object[] {
  const called = (instance as Record<string, unknown> | null | undefined)?.[property];
  return typeof called === 'function' && called !== handler ? [handler, called] : [handler];
}

/** Whether the handler has `@EventPattern()`: its sender gets no response. */
export function isEventHandler(handler: object): boolean {
  return Reflect.getMetadata(HANDLER_TYPE, handler) === EVENT;
}

export function isMessageHandler(handler: object): boolean {
  return Reflect.getMetadata(HANDLER_TYPE, handler) !== undefined;
}

function patternsOf(handler: object): readonly unknown[] | undefined {
  if (!isMessageHandler(handler)) return undefined;
  const patterns: unknown = Reflect.getMetadata(PATTERNS, handler);
  return Array.isArray(patterns) ? patterns : undefined;
}

function streamingOf(pattern: unknown): unknown {
  return (pattern as { readonly streaming?: unknown } | null | undefined)?.streaming;
}
