/**
 * Gives every GraphQL operation its own context. `@nestjs/apollo` 13 and the Mercurius driver write the request into the object
 * that the application returns: if requests shared this object, every caller would be taken for the first one.
 */
import type { ModulesContainer } from '@nestjs/core';
import type { IncomingRequest } from '../../credentials/incoming-request.js';
import { isObject } from '../../jose/strict-json.js';
import { findGraphQLOptions, type GraphQLOptions } from './resolvers.js';

type MakeContext = (...args: readonly unknown[]) => unknown;
type Holder = { context?: unknown };

/** The raw headers of a request, which identify it: the array is the same however a framework or an application wraps it. */
type Received = readonly string[];

const separating = new WeakSet<object>();
/** The request for which each context was first created. */
const madeFor = new WeakMap<object, Received>();

/**
 * Wraps the option `context` of every `GraphQLModule`, before the drivers read it. Idempotent.
 *
 * @returns a sentence if options cannot be changed
 */
export function separateContexts(modules: ModulesContainer): readonly string[] {
  const holders = findGraphQLOptions(modules).flatMap(holdersIn);
  return holders.map(separate).every(Boolean)
    ? []
    : ['GraphQLModule: the options are frozen, so requests could share a context; do not freeze them'];
}

/** Returns the objects with a `context`: for HTTP and graphql-ws, for subscriptions of Mercurius, for graphql-ws alone. */
function holdersIn(options: GraphQLOptions): readonly Holder[] {
  const { subscription, subscriptions } = options;
  const graphqlWs = isObject(subscriptions) ? subscriptions['graphql-ws'] : undefined;
  return [options, subscription, graphqlWs].filter(isObject);
}

/** @returns `false` if the option cannot be changed */
function separate(holder: Holder): boolean {
  const { context } = holder;
  if ((typeof context !== 'function' && !isObject(context)) || separating.has(context)) return true;
  const make = typeof context === 'function' ? (context as MakeContext) : () => context;
  const makeOwn: MakeContext = (...args) => {
    const made = Reflect.apply(make, holder, args);
    return made instanceof Promise ? made.then((each) => ownContext(each, args)) : ownContext(made, args);
  };
  separating.add(makeOwn);
  return Reflect.set(holder, 'context', makeOwn);
}

/** Returns a context that was created for this request, or a copy of another context, without the request of another caller. */
function ownContext(made: unknown, args: readonly unknown[]): unknown {
  const mine = args.map(receivedBy).find((each) => each !== undefined);
  if (!isObject(made) || !mine) return made;
  const foreign = ['req', 'request'].filter((name) => {
    const named = receivedBy(made[name]);
    return named !== undefined && named !== mine;
  });
  const first = madeFor.get(made);
  if (first === undefined) madeFor.set(made, mine);
  if (foreign.length === 0 && (first === undefined || first === mine)) return made;
  const own = Object.assign(Object.create(Object.getPrototypeOf(made) as object | null), made) as object;
  for (const name of foreign) Reflect.deleteProperty(own, name);
  return own;
}

/** Returns the raw headers of a request, of Apollo's `{ req }`, or of a graphql-ws connection. */
function receivedBy(value: unknown): Received | undefined {
  if (!isObject(value)) return undefined;
  const { extra, req } = value;
  const request = (isObject(extra) && extra['request']) || req || value;
  if (!isObject(request)) return undefined;
  const { raw, rawHeaders } = request as Partial<IncomingRequest>;
  const received = raw?.rawHeaders ?? rawHeaders;
  return Array.isArray(received) ? (received as Received) : undefined;
}
