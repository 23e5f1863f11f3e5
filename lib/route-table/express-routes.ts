/** Finds the routes of an Express router that Nest did not register. */
import 'reflect-metadata';
import { collapseMethods, type RawRoute } from './route-entry.js';

type Handler = ((...args: never[]) => unknown) & { readonly stack?: readonly Layer[] };

/** The part of the layers of Express 5 that is read. */
interface Layer {
  readonly name?: string;
  /** Mounted at the root. */
  readonly slash?: boolean;
  readonly handle: Handler;
  readonly route?: {
    readonly path: string | RegExp | readonly (string | RegExp)[];
    readonly methods: Readonly<Record<string, boolean>>;
    readonly stack: readonly { readonly handle: Handler }[];
  };
}

type MiddlewareFactory = (path: string, callback: Handler) => unknown;

/** The part of Nest's Express adapter that is used. */
export interface ExpressAdapterLike {
  getInstance(): {
    readonly _router?: { stack?: readonly Layer[] };
    readonly router?: { stack?: readonly Layer[] };
  };
  use(...args: unknown[]): unknown;
  setNotFoundHandler?(handler: Handler, ...rest: unknown[]): unknown;
  createMiddlewareFactory(method: number): MiddlewareFactory | Promise<MiddlewareFactory>;
}

/** Stands for the path of a router that was not mounted with `app.use()`: Express 5 does not expose it. */
const UNKNOWN_MOUNT = '…';

/**
 * Records what Nest registers on the adapter from now on: its middleware and its 404 handler are on the same router as the
 * routes, and cannot be distinguished there.
 *
 * @returns a function that reads the current routes
 */
export function watchExpress(adapter: ExpressAdapterLike): () => readonly RawRoute[] {
  const noRoutes = new WeakSet<Handler>();
  const mounts = new WeakMap<object, string>();

  const use = adapter.use.bind(adapter);
  adapter.use = (...args) => {
    const [path, ...handlers] = args;
    if (typeof path === 'string') {
      for (const handler of handlers) if (typeof handler === 'function') mounts.set(handler, path);
    }
    return use(...args);
  };
  const setNotFoundHandler = adapter.setNotFoundHandler?.bind(adapter);
  if (setNotFoundHandler) {
    adapter.setNotFoundHandler = (handler, ...rest) => {
      noRoutes.add(handler);
      return setNotFoundHandler(handler, ...rest);
    };
  }
  const createMiddlewareFactory = adapter.createMiddlewareFactory.bind(adapter);
  const remember =
    (register: MiddlewareFactory): MiddlewareFactory =>
    (path, callback) => {
      noRoutes.add(callback);
      return register(path, callback);
    };
  adapter.createMiddlewareFactory = (method) => {
    const factory = createMiddlewareFactory(method);
    return factory instanceof Promise ? factory.then(remember) : remember(factory);
  };

  const walk = (stack: readonly Layer[], prefix: string): RawRoute[] =>
    stack.flatMap((layer) => {
      if (layer.route) return isRaw(layer.route, noRoutes) ? routesOf(layer.route, prefix) : [];
      const mount = prefix + (mounts.get(layer.handle) ?? (layer.slash === true ? '' : UNKNOWN_MOUNT));
      if (layer.name === 'serveStatic') return { method: 'GET', path: `${mount}/*`, handler: 'serveStatic' };
      if (layer.name === 'mounted_app') return { method: 'ALL', path: `${mount}/*`, handler: 'mounted_app' };
      return walk(layer.handle.stack ?? [], mount);
    });
  return () => {
    const { _router, router } = adapter.getInstance();
    return walk((_router ?? router)?.stack ?? [], '');
  };
}

/** Whether Nest did not register the route: it copies the metadata of a handler to the function that it registers. */
function isRaw({ stack }: NonNullable<Layer['route']>, noRoutes: WeakSet<Handler>): boolean {
  return stack.every(({ handle }) => !noRoutes.has(handle) && !Reflect.hasMetadata('path', handle));
}

function routesOf({ path, methods, stack }: NonNullable<Layer['route']>, prefix: string): RawRoute[] {
  const paths = typeof path === 'string' || path instanceof RegExp ? [path] : path;
  const listed =
    methods['_all'] === true
      ? ['ALL']
      : collapseMethods(Object.keys(methods).map((method) => method.toUpperCase()));
  const handler = stack.at(-1)?.handle.name;
  return paths.flatMap((each) =>
    listed.map((method) => ({
      method,
      path: prefix + String(each),
      handler: handler === '' ? undefined : handler,
    })),
  );
}
