/** Finds the handlers of the application that are not HTTP routes. Reads only metadata, so that no transport is imported. */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import { classOf, GuardCoverage } from './guard-coverage.js';
import { readRoutePolicy, type RoutePolicy } from '../policy/route-policy.js';

export interface MessageHandler {
  readonly kind: 'ws' | 'rpc' | 'graphql';
  readonly metatype: object;
  /** The name of the method. */
  readonly property: string;
  /** `ChatGateway.send` */
  readonly name: string;
  readonly policy: RoutePolicy;
  /** The guard runs because of `@UseGuards()` on the class or the handler. */
  readonly isGuardedLocally: boolean;
  /** `@UseGuards()` applies to the declared method, but Nest may call another function, without the guard. */
  readonly hasLostGuard: boolean;
}

/** Metadata keys of `@SubscribeMessage`, `@MessagePattern`, `@Query` and similar decorators, the same in Nest 11 and 12. */
const KINDS = [
  ['ws', 'websockets:message_mapping'],
  ['rpc', 'microservices:pattern'],
  ['graphql', 'graphql:resolver_type'],
] as const;
const GATEWAY = 'websockets:is_gateway';

type Method = ((...args: never[]) => unknown) & { readonly name: string };

@Injectable()
export class MessageHandlers {
  readonly #scanner = new MetadataScanner();

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(GuardCoverage) private readonly guards: GuardCoverage,
  ) {}

  /** @throws {ConfigurationError} if decorators contradict one another */
  read(): readonly MessageHandler[] {
    return [...this.modules.values()].flatMap(({ controllers, providers }) => [
      ...[...controllers.values()].flatMap((wrapper) => this.#handlersOf(wrapper, ['rpc'])),
      ...[...providers.values()].flatMap((wrapper) =>
        wrapper.isNotMetatype ? [] : this.#handlersOf(wrapper, ['ws', 'graphql']),
      ),
    ]);
  }

  #handlersOf(
    wrapper: {
      readonly metatype: unknown;
      readonly instance: unknown;
      isDependencyTreeStatic(): boolean;
    },
    kinds: readonly MessageHandler['kind'][],
  ): MessageHandler[] {
    const { metatype, instance } = wrapper;
    if (typeof metatype !== 'function' || typeof metatype.prototype !== 'object') return [];
    const prototype = metatype.prototype as Record<string, Method>;
    const keys = keysOf(metatype, kinds);
    return this.#scanner.getAllMethodNames(prototype).flatMap((name) => {
      const declared = prototype[name];
      const [kind] = declared
        ? (keys.find(([, key]) => Reflect.getMetadata(key, declared) !== undefined) ?? [])
        : [];
      if (!declared || !kind) return [];
      const onInstance = (instance as Record<string, unknown> | undefined)?.[name];
      // Nest may call either function, so the handler is guarded only if both are.
      const called = typeof onInstance === 'function' ? [declared, onInstance] : [declared];
      const isStatic = wrapper.isDependencyTreeStatic();
      const isGuardedLocally = called.every((handler) =>
        this.guards.isLocal(classOf(metatype, instance), handler, isStatic),
      );
      return {
        kind,
        metatype,
        property: name,
        name: `${metatype.name}.${name}`,
        policy: readRoutePolicy(metatype, declared),
        isGuardedLocally,
        hasLostGuard: !isGuardedLocally && this.guards.isLocal(metatype, declared),
      };
    });
  }
}

/** Nest looks for the methods of a WebSocket only in gateways. */
function keysOf(
  classRef: object,
  kinds: readonly MessageHandler['kind'][],
): readonly (typeof KINDS)[number][] {
  const isGateway = Reflect.getMetadata(GATEWAY, classRef) !== undefined;
  return KINDS.filter(([kind]) => kinds.includes(kind) && (kind !== 'ws' || isGateway));
}
