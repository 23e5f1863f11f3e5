/** The code of docs/tenants.md runs. */
import { Controller, Get, Injectable, Module, Param } from '@nestjs/common';
import {
  Audience,
  AuthModule,
  IssuerRegistry,
  Issuers,
  RequireClaims,
  type IssuerOptions,
} from 'nestjs-resource-server';
import { TestIssuer } from 'nestjs-resource-server/testing';
import { bootModule, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';

@Controller('admin')
@Issuers('staff')
export class AdminController {
  @Get() list(): string {
    return 'everybody';
  }
}

@Controller('tenants/:tenantId/orders')
@RequireClaims({ tenant_id: { param: 'tenantId' } })
export class OrdersController {
  @Get() list(@Param('tenantId') tenantId: string): string {
    return tenantId;
  }
}

@Controller('invoices')
@Audience('https://api.example.com/invoices')
export class InvoicesController {
  @Get() list(): string {
    return 'invoices';
  }
}

interface Tenant {
  readonly slug: string;
  readonly issuer: string;
}

@Injectable()
class TenantsRepository {
  readonly tenants = new Map<string, Tenant>();

  async findByIssuer(iss: string): Promise<Tenant | undefined> {
    return Promise.resolve(this.tenants.get(iss));
  }

  async delete(tenant: Tenant): Promise<void> {
    this.tenants.delete(tenant.issuer);
    return Promise.resolve();
  }
}

@Injectable()
export class TenantsService {
  constructor(
    private readonly repository: TenantsRepository,
    private readonly issuers: IssuerRegistry,
  ) {}

  async remove(tenant: Tenant): Promise<void> {
    await this.repository.delete(tenant);
    this.issuers.forget(tenant.issuer);
  }
}
Reflect.defineMetadata('design:paramtypes', [TenantsRepository, IssuerRegistry], TenantsService);

@Module({ providers: [TenantsRepository], exports: [TenantsRepository] })
class TenantsModule {}

describe('docs/tenants.md', () => {
  let issuers: Awaited<ReturnType<typeof start>>;
  let app: TestApp | undefined;
  const start = () => TestIssuer.startSeveral(['staff', 'customers']);
  const status = async (path: string, token: string): Promise<number | undefined> =>
    (await app?.get(path, bearer(token)))?.status;

  beforeAll(async () => {
    issuers = await start();
  });
  afterEach(() => app?.close());
  afterAll(() => Promise.all(Object.values(issuers).map((each) => each.close())));

  const entries = (): IssuerOptions[] =>
    Object.entries(issuers).map(([name, { issuer }]) => ({ name, issuer }));

  it('staff and customers', async () => {
    app = await bootModule(
      [AuthModule.forRoot({ audience: 'https://api.example.com', issuers: entries() })],
      {
        platform: 'Express',
        controllers: [AdminController, OrdersController],
      },
    );
    const { staff, customers } = issuers;
    expect([await status('/admin', staff.token()), await status('/admin', customers.token())]).toEqual([
      200, 401,
    ]);
    const acme = customers.token({ claims: { tenant_id: 'acme' } });
    expect([
      await status('/tenants/acme/orders', acme),
      await status('/tenants/globex/orders', acme),
    ]).toEqual([200, 403]);
  });

  it('tenants that come and go', async () => {
    const options = AuthModule.forRootAsync({
      imports: [TenantsModule],
      inject: [TenantsRepository],
      useFactory: (tenants: TenantsRepository) => ({
        audience: 'https://api.example.com',
        issuers: async (iss: string) => {
          const tenant = await tenants.findByIssuer(iss);
          return tenant && { name: tenant.slug, issuer: tenant.issuer };
        },
      }),
    });
    app = await bootModule([options, TenantsModule], {
      platform: 'Fastify',
      controllers: [OrdersController],
      providers: [TenantsService],
    });
    const { issuer } = issuers.staff;
    const tenant = { slug: 'acme', issuer };
    app.nest.get(TenantsRepository, { strict: false }).tenants.set(issuer, tenant);
    const token = issuers.staff.token({ claims: { tenant_id: 'acme' } });
    expect(await status('/tenants/acme/orders', token)).toBe(200);
    await app.nest.get(TenantsService).remove(tenant);
    expect(await status('/tenants/acme/orders', token)).toBe(401);
  });

  it('several APIs', async () => {
    const { issuer } = issuers.customers;
    const module = AuthModule.forRoot({
      issuer,
      audience: ['https://api.example.com/orders', 'https://api.example.com/invoices'],
      resourceMetadata: true,
    });
    app = await bootModule([module], { platform: 'Express', controllers: [InvoicesController] });
    const tokenFor = (audience: string): string => issuers.customers.token({ audience });
    expect([
      await status('/invoices', tokenFor('https://api.example.com/invoices')),
      await status('/invoices', tokenFor('https://api.example.com/orders')),
    ]).toEqual([200, 401]);
  });
});
