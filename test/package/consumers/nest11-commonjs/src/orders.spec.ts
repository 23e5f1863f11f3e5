import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AuthGuard, TokenError, TokenValidationService } from 'nestjs-resource-server';
import { AppModule } from './app.module';
import { entryPoints } from './entry-points';

const bearer = (token: string | undefined) => ({ headers: { authorization: `Bearer ${token}` } });

describe('orders', () => {
  let app: INestApplication;

  afterEach(() => app.close());

  async function start(module = Test.createTestingModule({ imports: [AppModule] })): Promise<string> {
    app = (await module.compile()).createNestApplication();
    await app.listen(0, '127.0.0.1');
    return `${await app.getUrl()}/orders`;
  }

  it('are for tokens with their scope', async () => {
    const orders = await start();
    expect((await fetch(`${orders}/status`)).status).toBe(200);
    expect((await fetch(orders)).status).toBe(401);
    expect((await fetch(orders, bearer('no.good.token'))).status).toBe(401);

    const answer = await fetch(orders, bearer(process.env['TOKEN']));
    expect([answer.status, await answer.json()]).toEqual([200, { caller: 'ada', owner: 'ada' }]);

    const refusal = await fetch(orders, { method: 'POST', ...bearer(process.env['TOKEN']) });
    expect(refusal.status).toBe(403);
    expect(refusal.headers.get('www-authenticate')).toContain('insufficient_scope');
  });

  it('can be tested without tokens', async () => {
    const module = Test.createTestingModule({ imports: [AppModule] });
    const orders = await start(module.overrideProvider(AuthGuard).useValue({ canActivate: () => true }));
    expect((await fetch(orders, { method: 'POST' })).status).toBe(201);
  });

  it('know a bad token by its class', async () => {
    await start();
    const service = app.get(TokenValidationService);
    const error = await service.validateAccessToken('no.good.token').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenError);
  });

  it('come with every entry point', async () => {
    await start();
    const empty = Object.entries(entryPoints).filter(([, names]) => Object.keys(names).length === 0);
    expect(empty).toEqual([]);
  });
});
