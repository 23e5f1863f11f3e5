/** Several APIs in one application: each takes tokens for itself only, and describes itself. RFC 9728, RFC 8707. */
import { Controller, Get, type Type } from '@nestjs/common';
import {
  applyResourceServerSecurity,
  Audience,
  Issuers,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  TokenValidationService,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

const ORDERS = 'https://api.example.com/orders';
const INVOICES = 'https://api.example.com/invoices';
const BATCH = 'batch-jobs';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

@Controller('orders')
@Audience(ORDERS)
@Scopes('read:orders')
class OrdersController {
  @Get() list(): string {
    return 'orders';
  }
  @Get('invoiced') @Audience(INVOICES) @Scopes('read:invoices') invoiced(): string {
    return 'invoiced';
  }
  @Get('teaser') @OptionalAuth() teaser(): string {
    return 'teaser';
  }
}

@Controller('invoices')
@Audience(INVOICES)
class InvoicesController {
  @Get() @Scopes('read:invoices') list(): string {
    return 'invoices';
  }
  @Get('staff') @Issuers('staff') staff(): string {
    return 'staff';
  }
  @Get('status') @Public() status(): string {
    return 'up';
  }
}

@Controller()
class OthersController {
  @Get('batch') @Audience(BATCH) batch(): string {
    return 'batch';
  }
  @Get('any') @Scopes('any') any(): string {
    return 'any';
  }
}

describe.each(PLATFORMS)('@Audience() on %s', (platform) => {
  let staff: Issuer;
  let customers: Issuer;
  let app: TestApp | undefined;
  beforeAll(async () => {
    [staff, customers] = await Promise.all([Issuer.start(), Issuer.start()]);
  });
  afterAll(() => Promise.all([staff.close(), customers.close()]));
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  const boot = async (
    options: AuthModuleOptions = {},
    controllers: readonly Type[] = [OrdersController, InvoicesController, OthersController],
  ): Promise<TestApp> =>
    (app = await bootApp(
      {
        issuers: [
          { name: 'staff', issuer: staff.server.issuer, audience: [ORDERS, INVOICES, BATCH] },
          { name: 'customers', issuer: customers.server.issuer, audience: [ORDERS] },
        ],
        ...options,
      },
      { platform, controllers },
    ));
  const token = (issuer: Issuer, aud: unknown): string =>
    issuer.token({ claims: { aud, scope: 'read:orders read:invoices any' } });
  const ask = async (sent: string, path: string): Promise<number | undefined> =>
    (await app?.get(path, bearer(sent)))?.status;

  it('takes tokens for this API only, also those that are remembered; that of the handler wins', async () => {
    await boot();
    const [orders, invoices] = [token(staff, ORDERS), token(staff, INVOICES)];
    expect([await ask(orders, '/orders'), await ask(orders, '/invoices')]).toEqual([200, 401]);
    expect([await ask(invoices, '/orders'), await ask(invoices, '/invoices')]).toEqual([401, 200]);
    expect([await ask(invoices, '/orders/invoiced'), await ask(orders, '/orders/invoiced')]).toEqual([
      200, 401,
    ]);
    expect(await ask(token(staff, [ORDERS, INVOICES]), '/invoices')).toBe(200);
    expect([await ask(orders, '/orders/teaser'), await ask(invoices, '/orders/teaser')]).toEqual([200, 401]);
    expect((await app?.get('/invoices/status'))?.status).toBe(200);
    expect([await ask(orders, '/any'), await ask(invoices, '/any')]).toEqual([200, 200]);
  });

  it("takes no audience that is not the issuer's, whatever aud says", async () => {
    await boot();
    const both = token(customers, [ORDERS, INVOICES]);
    expect([await ask(both, '/orders'), await ask(both, '/invoices')]).toEqual([200, 401]);
  });

  it('stops the start for an audience that is configured for nobody, or for none of the accepted issuers', async () => {
    @Controller()
    class StrayController {
      @Get() @Audience('https://stray.example') get(): void {}
    }
    @Controller()
    class NarrowController {
      @Get() @Audience(INVOICES) @Issuers('customers') get(): void {}
    }
    @Controller()
    @Audience(ORDERS)
    class BaseController {}
    @Controller()
    @Audience(INVOICES)
    class DerivedController extends BaseController {
      @Get() get(): void {}
    }
    await expect(boot({}, [StrayController])).rejects.toThrow(
      /StrayController.get: @Audience\(\): no issuer is configured with/,
    );
    await expect(boot({}, [NarrowController])).rejects.toThrow(
      /NarrowController.get: @Audience\(\): no issuer/,
    );
    await expect(boot({}, [DerivedController])).rejects.toThrow(
      /@Audience\(\) differs from that of BaseController/,
    );
  });

  it('serves a document for each, with its own issuers and scopes; challenges name that of the route', async () => {
    await boot({ resourceMetadata: true });
    const read = async (path: string): Promise<unknown> => (await app?.get(`${WELL_KNOWN}${path}`))?.body;
    expect(await read('/orders')).toMatchObject({
      resource: ORDERS,
      authorization_servers: [staff.server.issuer, customers.server.issuer],
      scopes_supported: ['any', 'read:orders'],
    });
    expect(await read('/invoices')).toMatchObject({
      resource: INVOICES,
      authorization_servers: [staff.server.issuer],
      scopes_supported: ['read:invoices', 'read:orders'],
    });
    const challenge = async (path: string): Promise<string | undefined> =>
      (await app?.get(path))?.headers['www-authenticate'];
    const at = (path: string): string => `resource_metadata="https://api.example.com${WELL_KNOWN}${path}"`;
    expect(await challenge('/orders')).toContain(at('/orders'));
    expect(await challenge('/invoices')).toContain(at('/invoices'));
    expect(await challenge('/any')).toContain(at('/orders'));
    expect(await challenge('/batch')).toBe('Bearer');
    const refused = await app?.get('/invoices', bearer(token(staff, ORDERS)));
    expect(refused?.headers['www-authenticate']).toContain(at('/invoices'));
    expect(
      app?.nest
        .get(RouteTable)
        .list()
        .filter(({ access }) => access === 'unprotected'),
    ).toEqual([]);
  });

  it('is in the route table and in OpenAPI; the audit tells of routes that name none', async () => {
    await boot({ audit: 'warn' });
    const logged = loggedLines();
    const table = app?.nest.get(RouteTable).toText() ?? '';
    expect(table).toMatch(/\/invoices\/staff +of staff; for https:\/\/api.example.com\/invoices/);
    expect(logged.filter((line) => line.includes('@Audience()'))).toEqual([
      expect.stringMatching(/1 route names no @Audience\(\)[^]*GET \/any: OthersController.any/),
    ]);
    const document = applyResourceServerSecurity(
      { openapi: '3.1.0', paths: { '/invoices/staff': { get: {} }, '/orders': { get: {} } } },
      app?.nest as NonNullable<typeof app>['nest'],
    ) as unknown as {
      paths: Record<string, { get: { security: object[] } }>;
      components: { securitySchemes: object };
    };
    expect(document.paths['/invoices/staff']?.get.security).toEqual([{ 'accessToken.staff': [] }]);
    expect(document.paths['/orders']?.get.security).toEqual([
      { 'accessToken.staff': ['read:orders'] },
      { 'accessToken.customers': ['read:orders'] },
    ]);
    expect(Object.keys(document.components.securitySchemes)).toEqual([
      'accessToken.staff',
      'accessToken.customers',
    ]);
  });

  it('is no matter of validateAccessToken(), which knows no route', async () => {
    await boot();
    await expect(
      app?.nest.get(TokenValidationService).validateAccessToken(token(staff, INVOICES)),
    ).resolves.toBeDefined();
  });
});

it.each([
  ['Audience', () => Audience('')],
  ['Audience of a list', () => Audience(['x'] as never)],
  ['Issuers', () => Issuers(...([] as unknown as [string]))],
  ['Issuers with a blank', () => Issuers('')],
])('%s() refuses nonsense where it stands', (_name, decorate) => {
  expect(decorate).toThrow(TypeError);
});
