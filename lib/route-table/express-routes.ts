/** Which routes are on an Express router that Nest did not put there? */
import 'reflect-metadata';
import { collapseMethods, type RawRoute } from './route-entry.js';

type Handler = ((...args: never[]) => unknown) & { readonly stack?: readonly Layer[] };

/** What is read of Express 5's layers. */
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

/** What is used of Nest's Express adapter. */
export interface ExpressAdapterLike {
  getInstance(): {
    readonly _router?: { stack?: readonly Layer[] };
    readonly router?: { stack?: readonly Layer[] };
  };
  use(...args: unknown[]): unknown;
  setNotFoundHandler?(handler: Handler, ...rest: unknown[]): unknown;
  createMiddlewareFactory(method: number): MiddlewareFactory | Promise<MiddlewareFactory>;
}

/** Where a router was mounted cannot be read from Express 5; what `app.use` was told is known. */
const UNKNOWN_MOUNT = '…';

/**
 * Nest puts its middleware and its 404 on the same router as the routes, where nothing tells them apart: what the adapter
 * is told from now on is remembered.
 *
 * @returns reads the router as it is then
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

/** Nest copies a handler's metadata to the function that it registers. */
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
