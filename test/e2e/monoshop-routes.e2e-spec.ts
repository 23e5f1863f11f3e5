/** Do MonoShop's routes ask what its README says? The tables there are the route tables of the two APIs. */
import type { INestApplication, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Validator } from '@seriousme/openapi-schema-validator';
import { RouteTable } from 'nestjs-resource-server';
import { mockClaims } from 'nestjs-resource-server/testing';
import { readFileSync } from 'node:fs';
import { send } from '../support/http.js';
import '../support/output-logger.js';
import { AppModule as InvoiceApi } from '../../sample/monoshop/invoice-api/app.module.js';
import { AppModule as ProductApi } from '../../sample/monoshop/product-api/app.module.js';
import { serveOpenApi } from '../../sample/monoshop/product-api/openapi.js';

const README = readFileSync('sample/monoshop/README.md', 'utf8');

/** The first table below a heading. */
function tableBelow(heading: string): string {
  const [, section = ''] = README.split(`\n### ${heading}\n`);
  return /^(\|.*\n)+/m.exec(section)?.[0] ?? '';
}

describe('MonoShop', () => {
  let app: INestApplication;
  const environment = process.env;
  beforeAll(() => {
    // As in `.env.example`, which is not read here.
    process.env = {
      ...environment,
      MONOCLOUD_BACKEND_BACKCHANNEL_LOGOUT: 'true',
      MONOCLOUD_BACKEND_LOGOUT_AUDIENCE: 'shop-web',
    };
  });
  afterEach(() => app.close());
  afterAll(() => {
    process.env = environment;
  });

  const create = async (
    module: Type,
    adapter: ExpressAdapter | FastifyAdapter,
  ): Promise<INestApplication> => {
    const compiled = await mockClaims()
      .applyTo(Test.createTestingModule({ imports: [module] }))
      .compile();
    return (app = compiled.createNestApplication<NestFastifyApplication>(adapter as FastifyAdapter));
  };

  it('asks at the Product API what the README says', async () => {
    const products = await create(ProductApi, new ExpressAdapter());
    serveOpenApi(products);
    await products.init();
    expect(products.get(RouteTable).toMarkdown()).toBe(tableBelow('Product API'));
  });

  it('asks at the Invoice API what the README says', async () => {
    const invoices = await create(InvoiceApi, new FastifyAdapter());
    await invoices.init();
    expect(invoices.get(RouteTable).toMarkdown()).toBe(tableBelow('Invoice API'));
  });

  it('serves a valid OpenAPI document', async () => {
    const products = await create(ProductApi, new ExpressAdapter());
    serveOpenApi(products);
    await products.listen(0, '127.0.0.1');
    const { status, body } = await send(`${await products.getUrl()}/openapi.json`);
    expect(status).toBe(200);
    expect(await new Validator().validate(body as Record<string, unknown>)).toMatchObject({ valid: true });
    expect(body).toMatchObject({
      paths: {
        '/products': {
          get: { security: [{ accessToken: ['read:products'] }] },
          post: { security: [{ accessToken: ['write:products'] }] },
        },
        '/products/{id}': { delete: { security: [{ accessToken: [] }] } },
        '/status': { get: { security: [] } },
      },
    });
  });
});
