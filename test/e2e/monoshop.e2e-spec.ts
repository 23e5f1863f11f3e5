/** Do MonoShop's two APIs let in whom they should, and nobody else? As a team would test its own, with the test kit. */
import type { INestApplication, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  attackSuite,
  TestIssuer,
  type AttackedRoute,
  type TokenOptions,
} from 'nestjs-resource-server/testing';
import { AppModule as InvoiceApi } from '../../sample/monoshop/invoice-api/app.module.js';
import { AppModule as ProductApi } from '../../sample/monoshop/product-api/app.module.js';
import { bearer, send } from '../support/http.js';
import '../support/output-logger.js';

const product = { name: 'Milk jug', price: 12 };
const READ = { scope: 'read:products' };
const WRITE = { scope: 'write:products' };
const ADMIN = { groups: ['admin'] };

describe.each<[name: string, api: Type, adapter: () => unknown, audience: string, routes: AttackedRoute[]]>([
  [
    'Product API',
    ProductApi,
    () => new ExpressAdapter(),
    'http://api.monoshop.com/products',
    [
      { path: '/products', token: READ },
      { method: 'POST', path: '/products', token: WRITE, body: product },
      { method: 'DELETE', path: '/products/999', token: ADMIN },
      { path: '/me' },
    ],
  ],
  [
    'Invoice API',
    InvoiceApi,
    () => new FastifyAdapter(),
    'http://api.monoshop.com/invoices',
    [{ path: '/invoices', token: { scope: 'read:invoices' } }],
  ],
])('%s', (_name, api, adapter, audience, routes) => {
  const environment = process.env;
  let issuer: TestIssuer;
  let app: INestApplication;

  beforeAll(async () => {
    issuer = await TestIssuer.start({ audience });
    process.env = { ...environment, ...issuer.environment };
    const module = await Test.createTestingModule({ imports: [api] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(adapter() as FastifyAdapter);
    await app.listen(0, '127.0.0.1');
  });
  afterAll(async () => {
    process.env = environment;
    await app.close();
    await issuer.close();
  });

  const call = async (route: AttackedRoute, token?: TokenOptions): Promise<number> => {
    const { method = 'GET', path, body } = route;
    const headers = { ...(token && bearer(issuer.token(token))), 'content-type': 'application/json' };
    const payload = body === undefined ? {} : { body: JSON.stringify(body) };
    return (await send((await app.getUrl()) + path, { method, headers, ...payload })).status;
  };

  it('is up for everyone', async () => {
    expect(await call({ path: '/status' })).toBe(200);
  });

  it('asks for scopes and groups', async () => {
    for (const route of routes.filter(({ token }) => token))
      expect([route.path, await call(route, {})]).toEqual([route.path, 403]);
  });

  it('withstands every attack', async () => {
    for (const attack of attackSuite(issuer, routes)) await attack.run(app);
  });
});
