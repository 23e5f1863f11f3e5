/** Reads a claim by a path into nested objects (`realm_access.roles`, `resource_access["orders.api"].roles`). */
import { isObject } from '../jose/strict-json.js';

/** A name in brackets is one name. Words between dots are several names, or together one name that contains dots. */
type Step = { readonly name: string } | { readonly word: string };

/** The parsed paths. They come from options and decorators, so there are few. */
const paths = new Map<string, readonly Step[]>();

const STEP = /(?:^|\.)([^.[\]]+)|\[(?:("(?:[^"\\]|\\.)*")|'([^']*)')\]/y;

/**
 * Returns the claim whose name is the whole path, or else the value at the path. Words between dots are matched with the
 * longest name first, in every object on the way: `resource_access.orders.api.roles` also finds a client `orders.api`.
 *
 * @returns `undefined` if there is no value at the path
 */
export function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let steps = paths.get(path);
  if (!steps) paths.set(path, (steps = parsePath(path)));
  return follow(claims, steps);
}

function follow(value: unknown, steps: readonly Step[]): unknown {
  const [first, ...rest] = steps;
  if (!first) return value;
  if (!isObject(value)) return undefined;
  if ('name' in first) return Object.hasOwn(value, first.name) ? follow(value[first.name], rest) : undefined;
  const end = steps.findIndex((step) => 'name' in step);
  for (let count = end === -1 ? steps.length : end; count > 0; count -= 1) {
    const name = steps
      .slice(0, count)
      .map((step) => ('word' in step ? step.word : ''))
      .join('.');
    const found = Object.hasOwn(value, name) ? follow(value[name], steps.slice(count)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  for (let end = 0; end < path.length; end = STEP.lastIndex) {
    const step = readStep(STEP.exec(path));
    // Brackets that do not have the syntax of a path belong to a name.
    if (!step) return path.split('.').map((word) => ({ word }));
    steps.push(step);
  }
  return steps.length > 0 ? steps : [{ name: '' }];
}

function readStep(match: RegExpExecArray | null): Step | undefined {
  if (!match) return undefined;
  const [, word, quoted, single] = match;
  if (word !== undefined) return { word };
  if (quoted === undefined) return { name: single ?? '' };
  try {
    return { name: JSON.parse(quoted) as string };
  } catch {
    return undefined;
  }
}
