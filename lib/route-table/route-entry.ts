/** The rows of the route table, and their order. */
import type { GroupRequirement } from '../access/requirement.js';

/** One route with its requirements. */
export interface RouteEntry {
  /** The transport of the route. */
  readonly kind: 'http' | 'graphql' | 'ws' | 'rpc';
  /**
   * HTTP: `GET`, `SEARCH`, …; `ALL` for every method. GraphQL: `QUERY`, `MUTATION`, `SUBSCRIPTION`, or `FIELD` for a field of
   * another type. Gateway: `CONNECT` for the handshake, `MESSAGE`. Microservice: `MESSAGE`, `EVENT`, or `CALL` in gRPC.
   */
  readonly method: string;
  /**
   * HTTP: with the global prefix, the module's path and the version in the URI, and parameters as they were declared. GraphQL: the
   * field's name, for a `FIELD` with its type: `Order.price`. Gateway: its path or namespace (`/chat`), and the name of the message.
   * Microservice: the pattern, objects as JSON; in gRPC `Service/Method`.
   */
  readonly path: string;
  /** `neutral` for `VERSION_NEUTRAL`; `undefined` if the application or the route has no versions. */
  readonly version: string | undefined;
  /** The hosts that the controller is bound to. */
  readonly host: string | undefined;
  /**
   * `public`: no token is read. `optional`: a token is not required, but must be valid if it is sent. `protected`: a valid token is
   * required. `unprotected`: no guard runs, because the route is registered on the adapter directly, or, with
   * `globalGuard: false`, is not under `@UseGuards(AuthGuard)`.
   */
  readonly access: 'public' | 'optional' | 'protected' | 'unprotected';
  /** Whether a decorator declares who may call the route. */
  readonly declared: boolean;
  /** The required scopes: all of them. */
  readonly scopes: readonly string[];
  /** The required groups, with the module's options filled in. Each entry must be satisfied. */
  readonly groups: readonly Required<GroupRequirement>[];
  /** All requirements for the token, in words: `scopes read write`, `group admin`. */
  readonly requires: readonly string[];
  /** The required binding of the token, by decorator or by option. */
  readonly binding: readonly ('certificate' | 'dpop')[];
  /** `maxAge` of `@Introspect()`, in seconds. */
  readonly introspectMaxAge: number | undefined;
  /** `@Issuers()`: names of the accepted issuers; absent if all are accepted. */
  readonly issuers?: readonly string[] | undefined;
  /** `@Audience()`: the value that `aud` must contain; absent if any configured audience is accepted. */
  readonly audience?: string | undefined;
  /** `ProductsController.list`; for an unprotected route the function's name, if it has one. */
  readonly handler: string | undefined;
}

/** A route that is registered on Express or Fastify directly, without Nest. */
export interface RawRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: string | undefined;
}

/** Returns `ALL` for all common methods: platforms have different lists of methods, and the rare ones do not matter. */
export function collapseMethods(methods: readonly string[]): readonly string[] {
  return EVERY_METHOD.every((each) => methods.includes(each)) ? ['ALL'] : methods;
}
const EVERY_METHOD = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

export function unprotectedEntry(route: RawRoute): RouteEntry {
  return {
    ...route,
    kind: 'http',
    version: undefined,
    host: undefined,
    access: 'unprotected',
    declared: false,
    scopes: [],
    groups: [],
    requires: [],
    binding: [],
    introspectMaxAge: undefined,
  };
}

/** Returns the entry of a route of this module that receives signed tokens of other types than access tokens. */
export function receiverEntry(path: string, handler: string): RouteEntry {
  return {
    ...unprotectedEntry({ method: 'POST', path, handler }),
    access: 'public',
    declared: true,
  };
}

/** Sorts by kind and path, then method, version, host and handler, so that an application has the same order everywhere. */
export function sortEntries(entries: readonly RouteEntry[]): readonly RouteEntry[] {
  const keys = new Map(entries.map((each) => [each, orderOf(each)]));
  return [...entries].toSorted((a, b) => compare(keys.get(a) ?? '', keys.get(b) ?? ''));
}

function orderOf({ kind, path, method, version = '', host = '', handler = '' }: RouteEntry): string {
  return [kind === 'http' ? '' : kind, path, method, version, host, handler].join('\0');
}

/** Compares by code unit: an order that depends on the locale would differ between machines. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
