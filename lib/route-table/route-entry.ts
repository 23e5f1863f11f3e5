/** What does one row of the route table say? */
import type { GroupRequirement } from '../access/requirement.js';

/** One route as clients address it, and what it asks of them. */
export interface RouteEntry {
  /** The transport that the call comes by. */
  readonly kind: 'http' | 'graphql' | 'ws' | 'rpc';
  /**
   * `GET`, `SEARCH`, …; `ALL` for every method. In GraphQL `QUERY`, `MUTATION`, `SUBSCRIPTION`, or `FIELD` for the field of
   * another type. Of a gateway `CONNECT` for the handshake, and `MESSAGE`. Of a microservice `MESSAGE`, `EVENT`, or `CALL` in gRPC.
   */
  readonly method: string;
  /**
   * With the global prefix, the module's path and the version in the URI, parameters as they were written. In GraphQL the
   * field's name, with that of its type for a `FIELD`: `Order.price`. Of a gateway the place that clients connect to (`/chat`), and the name of the message. Of
   * a microservice the pattern, objects as JSON; in gRPC `Service/Method`.
   */
  readonly path: string;
  /** `neutral` for `VERSION_NEUTRAL`; `undefined` where the application or the route has no versions. */
  readonly version: string | undefined;
  /** The hosts that the controller is bound to. */
  readonly host: string | undefined;
  /**
   * `public`: no token is looked at. `optional`: absent is fine, wrong is not. `protected`: a good token. `unprotected`:
   * registered on the adapter itself, where no guard sees it, or, with `globalGuard: false`, not under
   * `@UseGuards(AuthGuard)`.
   */
  readonly access: 'public' | 'optional' | 'protected' | 'unprotected';
  /** A decorator says who may call it. */
  readonly declared: boolean;
  /** All of them. */
  readonly scopes: readonly string[];
  /** Each of the requirements, with the module's options filled in. */
  readonly groups: readonly Required<GroupRequirement>[];
  /** Everything that the token must say, in words: `scopes read write`, `group admin`. */
  readonly requires: readonly string[];
  /** What a token must be bound to, by decorator or by option. */
  readonly binding: readonly ('certificate' | 'dpop')[];
  /** `@Introspect()`: the oldest answer of the provider that will do, in seconds. */
  readonly introspectMaxAge: number | undefined;
  /** `@Issuers()`: names of the issuers whose tokens are accepted; left out where all are. */
  readonly issuers?: readonly string[] | undefined;
  /** `@Audience()`: what `aud` must contain; left out where any audience will do. */
  readonly audience?: string | undefined;
  /** `ProductsController.list`; of an unprotected route the function's name, if it has one. */
  readonly handler: string | undefined;
}

/** A route that somebody put on Express or Fastify, past Nest. */
export interface RawRoute {
  readonly method: string;
  readonly path: string;
  readonly handler: string | undefined;
}

/** `ALL` where it is as good as that: platforms know different lists of methods, and none of the rare ones matters. */
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

/** A route of this module that is sent signed tokens of another kind. */
export function receiverEntry(path: string, handler: string): RouteEntry {
  return {
    ...unprotectedEntry({ method: 'POST', path, handler }),
    access: 'public',
    declared: true,
  };
}

/** By kind and path, then method, version, host and handler: the same application has the same order everywhere. */
export function sortEntries(entries: readonly RouteEntry[]): readonly RouteEntry[] {
  const keys = new Map(entries.map((each) => [each, orderOf(each)]));
  return [...entries].toSorted((a, b) => compare(keys.get(a) ?? '', keys.get(b) ?? ''));
}

function orderOf({ kind, path, method, version = '', host = '', handler = '' }: RouteEntry): string {
  return [kind === 'http' ? '' : kind, path, method, version, host, handler].join('\0');
}

/** By code unit: an order by language would differ from machine to machine. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
