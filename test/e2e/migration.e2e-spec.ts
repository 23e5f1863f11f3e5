/** The code that the migration pages in docs/migration show as ours, at work. */
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { ProductsController } from '../migration/keycloak.js';
import { options as monocloudOptions } from '../migration/monocloud-module.js';
import { ApiController } from '../migration/monocloud.js';
import { ProfileController, UserBySub, UsersService } from '../migration/passport.js';
import { bootApp, PLATFORMS, type AppSettings, type Controllers, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

describe.each(PLATFORMS)('on %s, what is migrated from', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });

  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  async function boot(
    controllers: Controllers,
    options: AuthModuleOptions = {},
    providers: AppSettings['providers'] = [],
  ): Promise<void> {
    app = await bootApp({ ...issuer.options, ...options }, { platform, controllers, providers });
  }

  async function status(method: string, path: string, claims?: Record<string, unknown>): Promise<number> {
    const headers = { 'content-length': '0', ...(claims && bearer(issuer.token({ claims }))) };
    return (await app.send(path, { method, headers })).status;
  }

  it('the MonoCloud Backend SDK asks for the same', async () => {
    await boot([ApiController]);
    expect(await status('GET', '/api/status')).toBe(200);
    expect(await status('GET', '/api/me')).toBe(401);
    expect(await status('GET', '/api/me', {})).toBe(200);
    expect(await status('POST', '/api/posts', { scope: 'posts:read' })).toBe(403);
    expect(await status('POST', '/api/posts', { scope: 'posts:write' })).toBe(201);
    expect(await status('DELETE', '/api/posts/1', { groups: ['staff'] })).toBe(403);
    expect(await status('DELETE', '/api/posts/1', { groups: ['admin'] })).toBe(204);
    expect(await status('GET', '/api/secure', {})).toBe(401);
  });

  it('the MonoCloud Backend SDK takes the token from where it was', async () => {
    const { tokenResolver } = monocloudOptions;
    await boot([ApiController], { tokenResolver: (request) => tokenResolver?.(withCookies(request)) });
    const cookie = `access_token=${issuer.token()}`;
    expect((await app.get('/api/me', { cookie })).status).toBe(200);
    expect((await app.get('/api/me')).status).toBe(401);
  });

  it('nest-keycloak-connect asks for the same roles', async () => {
    const clientRoles = (...roles: string[]) => ({ resource_access: { 'my-nestjs-app': { roles } } });
    await boot([ProductsController], { groupOptions: { groupsClaim: 'realm_access.roles' } });
    expect(await status('GET', '/products')).toBe(200);
    expect(await status('GET', '/products/offers')).toBe(200);
    expect(await status('GET', '/products/mine', {})).toBe(200);
    expect(await status('GET', '/products/barcodes', clientRoles('other'))).toBe(200);
    expect(await status('GET', '/products/barcodes', { realm_access: { roles: ['admin'] } })).toBe(403);
    expect(await status('DELETE', '/products/1', clientRoles('admin'))).toBe(403);
    const both = { ...clientRoles('admin'), realm_access: { roles: ['sysadmin'] } };
    expect(await status('DELETE', '/products/1', both)).toBe(200);
  });

  it('passport-jwt hands the user to the handler', async () => {
    await boot([ProfileController], {}, [UsersService, UserBySub]);
    const headers = bearer(issuer.token({ claims: { sub: 'user-1' } }));
    expect((await app.get('/profile', headers)).body).toEqual({ id: 'user-1', name: 'Ada' });
    expect(await status('GET', '/profile', { sub: 'user-2' })).toBe(401);
    expect(await status('GET', '/profile/orders', { scope: '' })).toBe(403);
    expect(await status('GET', '/profile/hello')).toBe(200);
  });
});

/** As cookie-parser and @fastify/cookie leave them on the request. */
function withCookies<Request extends { readonly headers: object }>(request: Request): Request {
  const { cookie = '' } = request.headers as { cookie?: string };
  const cookies = Object.fromEntries(cookie.split('; ').map((each) => each.split('=')));
  return Object.assign(request, { cookies });
}
