/** Finds routes for which no decorator declares the access, or no audience. */
import type { AuditOptions } from '../options/audit-options.js';
import type { RouteEntry } from './route-entry.js';

/** Returns one line for each route that declares nothing and is not in `auditIgnore`. The versions of a route share a line. */
export function undeclaredRoutes(
  entries: readonly RouteEntry[],
  auditIgnore: AuditOptions['auditIgnore'],
): readonly string[] {
  const lines = entries
    .filter(
      (entry) =>
        !entry.declared &&
        !isBelowAnother(entry) &&
        !hasMessages(entry, entries) &&
        !auditIgnore.some((pattern) => fits(entry, pattern)),
    )
    .map((entry) => `${entry.method} ${entry.path}: ${reasonOf(entry)}`);
  return [...new Set(lines)];
}

/** Returns one line for each route that accepts a token for any audience and is not in `auditIgnore`. */
export function routesWithoutAudience(
  entries: readonly RouteEntry[],
  auditIgnore: AuditOptions['auditIgnore'],
): readonly string[] {
  const lines = entries
    .filter(
      (entry) =>
        (entry.access === 'protected' || entry.access === 'optional') &&
        entry.audience === undefined &&
        !isBelowAnother(entry) &&
        !auditIgnore.some((pattern) => fits(entry, pattern)),
    )
    .map(({ method, path, handler }) => [`${method} ${path}`, handler].filter(Boolean).join(': '));
  return [...new Set(lines)];
}

/** Whether a field is reached only through a query, mutation or subscription. An entity of a federation is reached directly. */
function isBelowAnother({ kind, method, path }: RouteEntry): boolean {
  return kind === 'graphql' && method === 'FIELD' && !path.endsWith('.__resolveReference');
}

/** Whether a gateway has handlers, which are audited in its place. A gateway that only sends to its clients has none. */
function hasMessages({ method, kind, handler = '' }: RouteEntry, entries: readonly RouteEntry[]): boolean {
  if (kind !== 'ws' || method !== 'CONNECT') return false;
  const gateway = handler.slice(0, handler.indexOf('.') + 1);
  return entries.some(
    (each) => each.kind === 'ws' && each.method === 'MESSAGE' && each.handler?.startsWith(gateway) === true,
  );
}

function fits({ method, path }: RouteEntry, pattern: string): boolean {
  return [path, `${method} ${path}`].some((name) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}

function reasonOf({ kind, access, handler }: RouteEntry): string {
  const name = handler === undefined ? '' : `${handler} `;
  if (access === 'unprotected') {
    if (kind === 'rpc') return `${name}is run without AuthGuard`;
    // A handler of a controller. A handler on the adapter has the name of a function, or none.
    if (handler?.includes('.')) return `${name}is not under @UseGuards(AuthGuard)`;
    return `${name}is registered on the adapter, where no guard runs`;
  }
  return `${name}declares nothing; any valid token is accepted`;
}
