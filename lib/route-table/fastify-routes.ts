/** Which routes does a Fastify instance have? */
import { collapseMethods, type RawRoute } from './route-entry.js';

interface FastifyRoute {
  readonly method: string | readonly string[];
  readonly url: string;
  readonly handler?: { readonly name?: string };
  readonly constraints?: { readonly version?: unknown };
}

/** What is used of a Fastify instance. */
export interface FastifyLike {
  addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): unknown;
  printRoutes(options: { readonly commonPrefix: boolean }): string;
}

export interface FastifyRawRoute extends RawRoute {
  /** Told apart by a header: Nest's version constraint. */
  readonly versioned: boolean;
}

/**
 * Notes every route that is registered from now on, Nest's own too, and those that are there already.
 *
 * @returns reads what was noted until then
 */
export function watchFastify(instance: FastifyLike): () => readonly FastifyRawRoute[] {
  const seen: FastifyRawRoute[] = parsePrintedRoutes(instance.printRoutes({ commonPrefix: false }));
  instance.addHook('onRoute', ({ method, url, handler, constraints }) => {
    const methods = collapseMethods(typeof method === 'string' ? [method] : method);
    // A bound function's name tells as little as none.
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
      // Fastify makes a HEAD route of each GET; @fastify/cors answers preflights, which carry no token.
      if (method === 'OPTIONS' && path === '*') return false;
      if (method !== 'HEAD') return true;
      return !seen.some(
        (each) => each.method === 'GET' && each.path === path && each.versioned === versioned,
      );
    });
}

/** Fastify shows the routes from before the hook as a tree only; of those with a wildcard it drops what is before it. */
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
