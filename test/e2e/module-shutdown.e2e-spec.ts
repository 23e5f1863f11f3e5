/** What happens to requests that the server has accepted before it was told to close? They are answered as ever. */
import { Controller, Injectable, Post, type BeforeApplicationShutdown } from '@nestjs/common';
import {
  PROVIDER_CALL_CHANNEL,
  type AuthModuleOptions,
  type ProviderCallEvent,
} from 'nestjs-resource-server';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { request as httpRequest, type ClientRequest } from 'node:http';
import { once } from 'node:events';
import { bootApp, PLATFORMS } from '../support/app.js';
import { Issuer } from '../support/issuer.js';
import { makeKey } from '../support/tokens.js';

@Controller()
class OrdersController {
  @Post('orders') create(): string {
    return 'created';
  }
}

/** Nest has called `onModuleDestroy` of every module by then, and closes the server next. */
@Injectable()
class Closing implements BeforeApplicationShutdown {
  readonly begun: Promise<void>;
  #begin: () => void = () => undefined;
  constructor() {
    this.begun = new Promise((resolve) => (this.#begin = resolve));
  }
  beforeApplicationShutdown(): void {
    this.#begin();
  }
}

/** Its head and half of its body; guards run when the rest is there. */
async function beginRequest(url: string, token: string): Promise<ClientRequest> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': 2,
  };
  const request = httpRequest(url, { method: 'POST', agent: false, headers });
  request.write('{');
  await once(request, 'socket');
  return request;
}

async function finish(request: ClientRequest): Promise<number | undefined> {
  const answered = once(request, 'response') as Promise<[{ statusCode?: number; resume(): void }]>;
  request.end('}');
  const [response] = await answered;
  response.resume();
  return response.statusCode;
}

describe.each(PLATFORMS)('closing on %s', (platform) => {
  let issuer: Issuer;
  beforeEach(async () => void (issuer = await Issuer.start()));
  afterEach(() => issuer.close());

  it.each<[string, (of: Issuer) => AuthModuleOptions, (of: Issuer) => string, number]>([
    ['a token to introspect', (of) => of.introspecting, (of) => of.opaqueToken(), 201],
    [
      'a token of a new key',
      (of) => of.options,
      (of) => {
        of.rotate(makeKey());
        return of.token();
      },
      201,
    ],
    ['a revoked token', (of) => of.introspecting, () => 'an-opaque-token-that-nobody-issued', 401],
  ])(
    'still asks the provider about %s of a request that came before',
    async (_, optionsOf, tokenOf, status) => {
      const app = await bootApp(optionsOf(issuer), {
        platform,
        controllers: [OrdersController],
        providers: [Closing],
      });
      const server = app.nest.getHttpServer() as { once(name: string, listener: () => void): unknown };
      const arrived = new Promise<void>((resolve) => void server.once('request', resolve));
      const request = await beginRequest(`${app.origin}/orders`, tokenOf(issuer));
      await arrived;
      const closed = app.nest.close();
      await app.nest.get(Closing).begun;
      expect(await finish(request)).toBe(status);
      await closed;
    },
  );
});

it('ends the calls that are under way, also those of a fetcher that does not heed the signal', async () => {
  const issuer = await Issuer.start();
  const calls: ProviderCallEvent[] = [];
  const note = (event: unknown): void => void calls.push(event as ProviderCallEvent);
  subscribe(PROVIDER_CALL_CHANNEL, note);
  const called = new Set<string>();
  const app = await bootApp(
    {
      ...issuer.options,
      fetcher: (url) => {
        called.add(url);
        return new Promise(() => undefined);
      },
    },
    { platform: 'Express', controllers: [] },
  );
  expect(called.size).toBe(1);
  expect(calls).toEqual([]);
  await app.close();
  // Nothing is heard of it later.
  expect(calls).toMatchObject([{ operation: 'discovery', outcome: 'failed' }]);
  unsubscribe(PROVIDER_CALL_CHANNEL, note);
  await issuer.close();
});
