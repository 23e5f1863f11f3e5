/** Lists the routes of a Fastify instance. */
import { collapseMethods, type RawRoute } from './route-entry.js';

interface FastifyRoute {
  readonly method: string | readonly string[];
  readonly url: string;
  readonly handler?: { readonly name?: string };
  readonly constraints?: { readonly version?: unknown };
}

/** The part of a Fastify instance that is used. */
export interface FastifyLike {
  addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): unknown;
  printRoutes(options: { readonly commonPrefix: boolean }): string;
}

export interface FastifyRawRoute extends RawRoute {
  /** The route has a version constraint, by which Nest selects it with a header. */
  readonly versioned: boolean;
}

/**
 * Records every route that is registered from now on, including those of Nest, and those that already exist.
 *
 * @returns a function that reads the routes recorded so far
 */
export function watchFastify(instance: FastifyLike): () => readonly FastifyRawRoute[] {
  const seen: FastifyRawRoute[] = parsePrintedRoutes(instance.printRoutes({ commonPrefix: false }));
  instance.addHook('onRoute', ({ method, url, handler, constraints }) => {
    const methods = collapseMethods(typeof method === 'string' ? [method] : method);
    // The name of a bound function is not informative, so it is left out.
    const name = handler?.name?.startsWith('bound ') === true ? '' : handler?.name;
    for (const each of methods) {
      seen.push({
        method: each,
        path: url,
        handler: name === '' ? undefined : name,
        versioned: constraints?.version !== undefined,
      });
    }
  });
  return () =>
    seen.filter(({ method, path, versioned }) => {
      // Fastify adds a HEAD route for each GET. @fastify/cors handles preflight requests, which have no token.
      if (method === 'OPTIONS' && path === '*') return false;
      if (method !== 'HEAD') return true;
      return !seen.some(
        (each) => each.method === 'GET' && each.path === path && each.versioned === versioned,
      );
    });
}

/**
 * Reads the routes that were registered before the hook. Fastify shows them only as a tree, which omits what precedes a
 * wildcard.
 */
function parsePrintedRoutes(tree: string): FastifyRawRoute[] {
  const parents: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', text = '', methods, constraints = ''] =
      /^((?:[│├└ ][─ ]{2} )*)(.*?)(?: \(([A-Z]+(?:, [A-Z]+)*)\)(?: (\{.*\}))?)?$/u.exec(line) ?? [];
    if (text === '' || text === '(empty tree)') return [];
    const depth = indent.length / 4;
    parents.length = Math.max(depth - 1, 0);
    const path = parents.join('') + text;
    parents[depth - 1] = text;
    if (methods === undefined) return [];
    const versioned = constraints.includes('"version"');
    return collapseMethods(methods.split(', ')).map((method) => ({
      method,
      path,
      handler: undefined,
      versioned,
    }));
  });
}
