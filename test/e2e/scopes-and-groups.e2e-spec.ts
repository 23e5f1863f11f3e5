/** Scopes and groups in every shape that providers send them in. */
import { Controller, Get } from '@nestjs/common';
import { Groups, Scopes, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

@Controller()
class ThingsController {
  @Get('scoped') @Scopes('read', 'write') scoped(): string {
    return 'ok';
  }
  @Get('any') @Groups('admin', 'ops') any(): string {
    return 'ok';
  }
  @Get('all') @Groups(['admin', 'ops'], { matchAll: true }) all(): string {
    return 'ok';
  }
  @Get('not-all') @Groups(['admin', 'ops'], { matchAll: false }) notAll(): string {
    return 'ok';
  }
  @Get('own-claim') @Groups(['admin'], { groupsClaim: 'realm_access.roles' }) ownClaim(): string {
    return 'ok';
  }
  @Get('both-kinds') @Scopes('read') @Groups('admin') bothKinds(): string {
    return 'ok';
  }
  @Get('keycloak-brackets')
  @Groups(['admin'], { groupsClaim: 'resource_access["orders.api"].roles' })
  brackets(): string {
    return 'ok';
  }
  @Get('keycloak-dots')
  @Groups(['admin'], { groupsClaim: 'resource_access.orders.api.roles' })
  dots(): string {
    return 'ok';
  }
  @Get('zitadel') @Groups(['admin'], { groupsClaim: 'urn:zitadel:iam:org:project:roles' }) zitadel(): string {
    return 'ok';
  }
  @Get('both') @Groups('admin') @Groups('ops') both(): string {
    return 'ok';
  }
}

type Row = readonly [path: string, claims: Record<string, unknown>, status: number];

const none = { scope: undefined, groups: undefined };

const ROWS: readonly Row[] = [
  ['/scoped', { scope: 'read write' }, 200],
  ['/scoped', { scope: 'write  read' }, 200],
  ['/scoped', { scope: ['read', 'write'] }, 200],
  ['/scoped', { scope: undefined, scp: ['read', 'write'] }, 200],
  ['/scoped', { scope: undefined, scp: 'read write' }, 200],
  ['/scoped', { scope: 'read' }, 403],
  ['/scoped', { scope: 'read,write' }, 403],
  ['/scoped', { scope: 'reads writes' }, 403],
  ['/scoped', { scope: 'READ WRITE' }, 403],
  ['/scoped', { scope: ['read write'] }, 200],
  ['/scoped', { scope: ['read', 'other  write'] }, 200],
  ['/scoped', { scope: undefined, scp: ['read write'] }, 200],
  ['/scoped', { scope: ['read,write'] }, 403],
  ['/scoped', { scope: ['read', ['write']] }, 403],
  ['/scoped', { scope: { read: true, write: true } }, 403],
  ['/scoped', { scope: [['read'], ['write']] }, 403],
  ['/scoped', none, 403],
  ['/any', { groups: ['staff', 'ops'] }, 200],
  ['/any', { groups: 'admin' }, 200],
  ['/any', { groups: [{ name: 'admin' }] }, 200],
  ['/any', { groups: [{ id: 'ops', name: 'Operations' }] }, 200],
  ['/any', { groups: 'staff,admin' }, 403],
  ['/any', { groups: ['staff', 7, null, { name: 7 }, ['admin']] }, 403],
  ['/any', { groups: { admin: true } }, 403],
  ['/any', { groups: { admin: false } }, 403],
  ['/any', { groups: { admin: {} } }, 403],
  ['/any', { groups: { admin: null } }, 403],
  ['/any', { groups: { admin: ['1234'] } }, 403],
  ['/any', { groups: { admin: { 1234: 'acme.example.com' }, roles: ['x'] } }, 403],
  ['/any', { groups: { admin: { 1234: 'acme.example.com' } } }, 200],
  ['/any', { groups: { staff: { 1234: 'acme.example.com' } } }, 403],
  ['/any', { groups: {} }, 403],
  ['/any', { groups: ['__proto__', 'constructor'] }, 403],
  ['/any', none, 403],
  ['/any', { groups: undefined, _claim_names: { groups: 'src1' } }, 403],
  ['/all', { groups: ['admin', 'ops', 'staff'] }, 200],
  ['/all', { groups: ['admin'] }, 403],
  ['/both', { groups: ['admin', 'ops'] }, 200],
  ['/both', { groups: ['ops'] }, 403],
  ['/own-claim', { realm_access: { roles: ['admin'] } }, 200],
  ['/own-claim', { 'realm_access.roles': ['admin'] }, 200],
  ['/own-claim', { 'realm_access.roles': [], realm_access: { roles: ['admin'] } }, 403],
  ['/own-claim', { realm_access: 'roles' }, 403],
  ['/own-claim', { groups: ['admin'] }, 403],
  ...['/keycloak-brackets', '/keycloak-dots'].flatMap((path): Row[] => [
    [path, { resource_access: { 'orders.api': { roles: ['admin'] } } }, 200],
    [path, { resource_access: { 'orders.api': { roles: ['other'] } } }, 403],
    [path, { resource_access: { orders: { roles: ['admin'] }, api: { roles: ['admin'] } } }, 403],
    [path, { resource_access: { account: { roles: ['admin'] } } }, 403],
    [path, { resource_access: [{ 'orders.api': { roles: ['admin'] } }] }, 403],
    [path, none, 403],
  ]),
  ['/keycloak-brackets', { resource_access: { orders: { api: { roles: ['admin'] } } } }, 403],
  ['/zitadel', { 'urn:zitadel:iam:org:project:roles': { admin: { 1234: 'acme.example.com' } } }, 200],
  ['/zitadel', { 'urn:zitadel:iam:org:project:roles': { ops: { 1234: 'acme.example.com' } } }, 403],
];

describe.each(PLATFORMS)('scopes and groups on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  const boot = (options: AuthModuleOptions = {}): Promise<TestApp> =>
    bootApp({ ...issuer.options, ...options }, { platform, controllers: [ThingsController] });

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await boot();
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each(ROWS)('%s with %j: %i', async (path, claims, status) => {
    expect((await app.get(path, bearer(issuer.token({ claims })))).status).toBe(status);
  });

  it.each([
    ['/both-kinds', { scope: 'read', groups: ['staff'] }, 'Bearer error="insufficient_scope"'],
    ['/both-kinds', { scope: '', groups: ['admin'] }, 'Bearer error="insufficient_scope", scope="read"'],
    ['/both-kinds', none, 'Bearer error="insufficient_scope", scope="read"'],
  ])('%s with %j: names the scopes only where one is missing', async (path, claims, challenge) => {
    const answer = await app.get(path, bearer(issuer.token({ claims })));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(challenge);
  });

  it('judges a token that it has let through anew for every route, whatever came before', async () => {
    const claims = { scope: 'read write', groups: ['admin'] };
    const headers = bearer(issuer.token({ claims }));
    const due = {
      '/scoped': 200,
      '/any': 200,
      '/not-all': 200,
      '/all': 403,
      '/both': 403,
      '/own-claim': 403,
    };
    const paths = Object.keys(due);
    for (const path of [...paths, ...paths.toReversed(), '/scoped', '/all', '/scoped', '/both', '/any'])
      expect([path, (await app.get(path, headers)).status]).toEqual([path, due[path as keyof typeof due]]);
  });

  it('takes claim and mode from the options, and lets a decorator differ', async () => {
    const configured = await boot({
      groupOptions: { groupsClaim: 'https://example.com/roles', matchAll: true },
    });
    const statuses = async (roles: readonly string[]): Promise<number[]> => {
      const headers = bearer(issuer.token({ claims: { 'https://example.com/roles': roles } }));
      return Promise.all(
        ['/any', '/not-all'].map(async (path) => (await configured.get(path, headers)).status),
      );
    };
    expect(await statuses(['admin', 'ops'])).toEqual([200, 200]);
    expect(await statuses(['admin'])).toEqual([403, 200]);
    expect(await statuses([])).toEqual([403, 403]);
    await configured.close();
  });
});
