/** Finds the gateways by their metadata, and what a connection to each place (port, path and namespace) requires. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { accessOf } from '../../access/authorize.js';
import { joinPolicies, type RoutePolicy } from '../../policy/route-policy.js';
import { classOf } from '../guard-coverage.js';

/** Metadata keys of `@WebSocketGateway()` and `@SubscribeMessage()`, the same in Nest 11 and 12. */
const GATEWAY = 'websockets:is_gateway';
const OPTIONS = 'websockets:gateway_options';
const PORT = 'port';
const MESSAGE_MAPPING = 'websockets:message_mapping';

type Class = Function & { readonly prototype: object };

export interface Gateway {
  /** The class whose decorators Nest reads. */
  readonly metatype: Class;
  /** The class of the instance, which is another one if a constructor returns an instance of another class. */
  readonly instanceClass: Class;
  readonly port: number;
  readonly path: string;
  /** `/` for the default namespace. */
  readonly namespace: unknown;
}

export interface GatewayOptions {
  readonly path?: unknown;
  readonly namespace?: unknown;
}

export function findGateways(modules: ModulesContainer): readonly Gateway[] {
  return [...modules.values()].flatMap(({ providers }) =>
    [...providers.values()].flatMap((wrapper) => {
      const metatype: unknown = wrapper.metatype;
      if (wrapper.isNotMetatype || !isGateway(metatype)) return [];
      const options = (Reflect.getMetadata(OPTIONS, metatype) ?? {}) as GatewayOptions;
      const port: unknown = Reflect.getMetadata(PORT, metatype);
      return {
        metatype,
        instanceClass: classOf(metatype, wrapper.instance) as Class,
        port: typeof port === 'number' ? port : 0,
        path: normalizePath(options.path),
        namespace: normalizeNamespace(options.namespace),
      };
    }),
  );
}

function isGateway(metatype: unknown): metatype is Class {
  return typeof metatype === 'function' && Reflect.getMetadata(GATEWAY, metatype) === true;
}

/** Returns the same path for `/events/`, `events` and `/events`, because adapters add and remove slashes. */
export function normalizePath(path: unknown): string {
  return typeof path === 'string' ? `/${path.replace(/^\/+|\/+$/g, '')}` : '/';
}

/** Leaves a pattern or a function as it is. */
export function normalizeNamespace(namespace: unknown): unknown {
  if (namespace === undefined || namespace === null || namespace === '') return '/';
  return typeof namespace === 'string' ? normalizePath(namespace) : namespace;
}

/** The requirements for a connection to one place. Gateways that share port, path and namespace have the same clients. */
export interface Place {
  /** `/chat`, `:3001/chat`: for logs. */
  readonly name: string;
  /** The class that represents the place in logs and events. */
  readonly metatype: Class;
  readonly policy: RoutePolicy;
  /** The request is kept, because handlers may need credentials that a public handshake does not read. */
  readonly keepsRequest: boolean;
  /** Identifies the application among those in the process. */
  readonly application: object;
}

/** @throws {ConfigurationError} if decorators contradict one another, or if no token could satisfy all of them */
export function makePlace(
  { name, application }: Pick<Place, 'name' | 'application'>,
  gateways: readonly Gateway[],
  policies: readonly RoutePolicy[],
  hasProtectedHandlers: boolean,
): Place {
  const policy = joinPolicies(policies);
  accessOf(policy);
  return {
    name,
    metatype: gateways[0]?.metatype ?? NoGateway,
    policy,
    application,
    keepsRequest: policy.access === 'public' && hasProtectedHandlers,
  };
}

/** Represents a place without gateways. */
class NoGateway {}

export interface GatewayHandler {
  readonly property: string;
  readonly message: string;
  readonly handler: (...args: never[]) => unknown;
}

/** Returns the methods with `@SubscribeMessage()`, including inherited ones. */
export function handlersOf(metatype: Class): readonly GatewayHandler[] {
  const found = new Map<string, GatewayHandler>();
  for (
    let prototype: unknown = metatype.prototype;
    typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const property of Object.getOwnPropertyNames(prototype)) {
      const handler: unknown = Object.getOwnPropertyDescriptor(prototype, property)?.value;
      if (property === 'constructor' || typeof handler !== 'function' || found.has(property)) continue;
      if (Reflect.getMetadata(MESSAGE_MAPPING, handler) !== true) continue;
      const message: unknown = Reflect.getMetadata('message', handler);
      found.set(property, {
        property,
        message: typeof message === 'string' ? message : JSON.stringify(message),
        handler: handler as GatewayHandler['handler'],
      });
    }
  }
  return [...found.values()];
}
