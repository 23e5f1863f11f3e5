/** Which routes does the audit report? */
import { undeclaredRoutes } from '../../../lib/route-table/audit.js';
import type { RouteEntry } from '../../../lib/route-table/route-entry.js';

const entry = (given: Partial<RouteEntry>): RouteEntry => ({
  kind: 'http',
  method: 'GET',
  path: '/orders',
  version: undefined,
  host: undefined,
  access: 'protected',
  declared: false,
  scopes: [],
  groups: [],
  requires: [],
  binding: [],
  introspectMaxAge: undefined,
  issuers: undefined,
  audience: undefined,
  handler: 'OrdersController.list',
  ...given,
});

const CONNECT = entry({ kind: 'ws', method: 'CONNECT', path: '/', handler: 'Chat.handleConnection' });

describe('undeclaredRoutes', () => {
  it('reports a gateway by its messages, if it has any', () => {
    const message = entry({ kind: 'ws', method: 'MESSAGE', path: 'say', handler: 'Chat.say' });
    expect(undeclaredRoutes([CONNECT], [])).toEqual([
      'CONNECT /: Chat.handleConnection declares nothing; any valid token is accepted',
    ]);
    expect(undeclaredRoutes([CONNECT, message], [])).toEqual([
      'MESSAGE say: Chat.say declares nothing; any valid token is accepted',
    ]);
    expect(undeclaredRoutes([CONNECT, { ...message, declared: true }], [])).toEqual([]);
  });

  it('does not take the messages of a microservice for those of a gateway of the same name', () => {
    const message = entry({
      kind: 'rpc',
      method: 'MESSAGE',
      path: 'say',
      handler: 'Chat.say',
      declared: true,
    });
    const other = entry({ kind: 'ws', method: 'MESSAGE', handler: 'ChatRooms.say', declared: true });
    expect(undeclaredRoutes([CONNECT, message, other], [])).toHaveLength(1);
  });

  it('passes over what auditIgnore names: paths, methods with paths, and beginnings', () => {
    const entries = [entry({}), entry({ method: 'POST' }), entry({ path: '/docs/json' })];
    expect(undeclaredRoutes(entries, ['/orders', '/docs*'])).toEqual([]);
    expect(undeclaredRoutes(entries, ['POST /orders', '/docs'])).toHaveLength(2);
    expect(undeclaredRoutes(entries, ['/order', 'orders', 'GET *'])).toHaveLength(1);
  });

  it('reports the versions of a route once', () => {
    expect(undeclaredRoutes([entry({ version: '1' }), entry({ version: '2' })], [])).toHaveLength(1);
  });
});
