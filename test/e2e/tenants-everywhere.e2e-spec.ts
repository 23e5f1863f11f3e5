/** `@Audience()` and `@Issuers()` in GraphQL, in message handlers and in gateways: as over HTTP. */
import { randomUUID } from 'node:crypto';
import { Controller, Inject, type INestMicroservice } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern, type ClientProxy } from '@nestjs/microservices';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import {
  Audience,
  ConnectionAuthenticator,
  IssuerRegistry,
  Issuers,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { firstValueFrom } from 'rxjs';
import { bootApp, type TestApp } from '../support/app.js';
import { graphqlModule, post, STACKS } from '../support/graphql.js';
import { bearer as headersOf } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { connectClient, KINDS, startMicroservice } from '../support/messages.js';
import { describeWith } from '../support/redis.js';
import {
  bearer,
  bootGateways,
  closeClients,
  connect,
  refusedWith,
  SOCKET_STACKS,
} from '../support/sockets.js';

const ORDERS = 'https://api.example.com/orders';
const INVOICES = 'https://api.example.com/invoices';
const HANDLERS = ['orders', 'invoices', 'staff', 'any'] as const;
/** Brokers are shared by all that run just now. */
const OWN = `rs-${randomUUID()}`;

@Resolver()
class RootResolver {
  @Query(() => String, { nullable: true }) @Audience(ORDERS) orders(): string {
    return 'orders';
  }
  @Query(() => String, { nullable: true }) @Audience(INVOICES) invoices(): string {
    return 'invoices';
  }
  @Query(() => String, { nullable: true }) @Issuers('staff') staff(): string {
    return 'staff';
  }
  @Query(() => String, { nullable: true }) any(): string {
    return 'any';
  }
}

@Controller()
class MessagesController {
  @MessagePattern(`${OWN}/orders`) @Audience(ORDERS) orders(): string {
    return 'orders';
  }
  @MessagePattern(`${OWN}/invoices`) @Audience(INVOICES) invoices(): string {
    return 'invoices';
  }
  @MessagePattern(`${OWN}/staff`) @Issuers('staff') staff(): string {
    return 'staff';
  }
  @MessagePattern(`${OWN}/any`) any(): string {
    return 'any';
  }
}

@WebSocketGateway()
class RootGateway {
  constructor(@Inject(ConnectionAuthenticator) private readonly connections: ConnectionAuthenticator) {}
  @SubscribeMessage('orders') @Audience(ORDERS) orders(): unknown {
    return { event: 'orders', data: 'orders' };
  }
  @SubscribeMessage('invoices') @Audience(INVOICES) invoices(): unknown {
    return { event: 'invoices', data: 'invoices' };
  }
  @SubscribeMessage('staff') @Issuers('staff') staff(): unknown {
    return { event: 'staff', data: 'staff' };
  }
  @SubscribeMessage('any') any(): unknown {
    return { event: 'any', data: 'any' };
  }
  @SubscribeMessage('renew') async renew(
    @ConnectedSocket() client: object,
    @MessageBody() token: string,
  ): Promise<unknown> {
    const outcome = await this.connections.renew(client, token).then(
      () => 'yes',
      ({ code }: { readonly code: string }) => code,
    );
    return { event: 'renewed', data: outcome };
  }
}

@WebSocketGateway()
@Audience(INVOICES)
@Issuers('staff')
class NarrowGateway {
  @SubscribeMessage('any') any(): unknown {
    return { event: 'any', data: 'any' };
  }
}

let staff: Issuer;
let customers: Issuer;
let stranger: Issuer;
beforeAll(async () => {
  [staff, customers, stranger] = await Promise.all([Issuer.start(), Issuer.start(), Issuer.start()]);
});
afterAll(() => Promise.all([staff, customers, stranger].map((each) => each.close())));

const options = (): AuthModuleOptions => ({
  issuers: [
    { name: 'staff', issuer: staff.server.issuer, audience: [ORDERS, INVOICES] },
    { name: 'customers', issuer: customers.server.issuer, audience: ORDERS },
  ],
});
const tokenOf = (issuer: Issuer, aud: unknown): string => issuer.token({ claims: { aud, sub: 'ann' } });

/** What each of {@link HANDLERS} answers. */
const TABLE: readonly (readonly [string, () => string, readonly string[]])[] = [
  ['staff, for orders', () => tokenOf(staff, ORDERS), ['orders', '401', 'staff', 'any']],
  ['staff, for invoices', () => tokenOf(staff, INVOICES), ['401', 'invoices', 'staff', 'any']],
  ['staff, for both', () => tokenOf(staff, [ORDERS, INVOICES]), ['orders', 'invoices', 'staff', 'any']],
  ['customers, for orders', () => tokenOf(customers, ORDERS), ['orders', '401', '401', 'any']],
  ['customers, for both', () => tokenOf(customers, [ORDERS, INVOICES]), ['orders', '401', '401', 'any']],
  ['customers, for invoices', () => tokenOf(customers, INVOICES), ['401', '401', '401', '401']],
  ['a stranger, for both', () => tokenOf(stranger, [ORDERS, INVOICES]), ['401', '401', '401', '401']],
];

describe.each(STACKS)('several issuers and audiences in GraphQL: $name', ({ driver, platform }) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await bootApp(options(), {
      platform,
      controllers: [],
      imports: [graphqlModule(driver)],
      providers: [RootResolver],
    });
  });
  afterAll(() => app.close());

  it.each(TABLE)('a token of %s', async (_, token, expected) => {
    // In one operation: what one field requires must not decide on another.
    for (const handlers of [HANDLERS, HANDLERS.toReversed()]) {
      const sent = token();
      for (let time = 0; time < 2; time++) {
        const { data, errors = [] } = (await post(app, `{ ${handlers.join(' ')} }`, headersOf(sent))).body;
        const refused = new Map(errors.map((error) => [error.path?.[0], error.extensions?.['code']]));
        const outcomes = HANDLERS.map((name) =>
          refused.get(name) === 'UNAUTHENTICATED' ? '401' : data?.[name],
        );
        expect(outcomes).toEqual(expected);
      }
    }
  });
});

describe.each(KINDS)('several issuers and audiences of messages: $name', (kind) => {
  describeWith(kind.available, `set ${kind.variable}`, kind.name, () => {
    let app: INestMicroservice;
    let client: ClientProxy;
    beforeAll(async () => {
      const microservice = await kind.options();
      app = await startMicroservice(options(), microservice, { controllers: [MessagesController] });
      client = connectClient(microservice);
      await client.connect();
    });
    afterAll(async () => {
      client.close();
      await app.close();
    });

    it.each(TABLE)('a token of %s', async (_, token, expected) => {
      const sent = token();
      const outcomes: string[] = [];
      for (const name of HANDLERS) {
        const record = kind.record({}, [['authorization', `Bearer ${sent}`]]);
        outcomes.push(
          await firstValueFrom(client.send<string>(`${OWN}/${name}`, record)).catch(
            ({ statusCode }: { readonly statusCode: number }) => String(statusCode),
          ),
        );
      }
      expect(outcomes).toEqual(expected);
    });
  });
});

describe.each(SOCKET_STACKS)(
  'several issuers and audiences at gateways: $library on $platform',
  ({ library, platform }) => {
    let app: TestApp;
    afterEach(async () => {
      closeClients();
      await app.close();
    });

    it.each(TABLE)('a token of %s', async (_, token, expected) => {
      app = await bootGateways(library, options(), { platform, gateways: [RootGateway] });
      const client = await connect(library, app.origin, bearer(token()));
      if (expected.every((each) => each === '401')) {
        expect(client.ended).toEqual(refusedWith(library, 401, 'unauthorized', 'invalid_token'));
        return;
      }
      const outcomes: unknown[] = [];
      for (const name of HANDLERS) {
        const before = client.received.length;
        client.send(name);
        while (client.received.length === before) await new Promise((resolve) => setImmediate(resolve));
        const [answer] = client.received.slice(before);
        const refusal = answer?.data as { readonly statusCode?: number };
        outcomes.push(answer?.event === 'exception' ? String(refusal.statusCode) : answer?.data);
      }
      expect(outcomes).toEqual(expected);
    });

    it('are required at the handshake where they stand on the class', async () => {
      app = await bootGateways(library, options(), { platform, gateways: [NarrowGateway] });
      const good = await connect(library, app.origin, bearer(tokenOf(staff, INVOICES)));
      good.send('any');
      expect(await good.next('any')).toBe('any');
      for (const token of [tokenOf(staff, ORDERS), tokenOf(customers, [ORDERS, INVOICES])]) {
        const client = await connect(library, app.origin, bearer(token));
        expect(client.ended).toEqual(refusedWith(library, 401, 'unauthorized', 'invalid_token'));
      }
    });

    it('hold for renewed connections: no token of another issuer, also of the same sub', async () => {
      app = await bootGateways(library, options(), { platform, gateways: [RootGateway] });
      const client = await connect(library, app.origin, bearer(tokenOf(staff, ORDERS)));
      for (const [token, outcome] of [
        [tokenOf(customers, ORDERS), 'invalid_token'],
        [tokenOf(stranger, ORDERS), 'invalid_token'],
        [tokenOf(staff, INVOICES), 'yes'],
      ]) {
        client.send('renew', token);
        expect(await client.next('renewed')).toBe(outcome);
      }
      client.send('invoices');
      expect(await client.next('invoices')).toBe('invoices');
      client.send('orders');
      expect(await client.next('exception')).toMatchObject({ statusCode: 401 });
    });

    it('are gone with a tenant that was removed, also for connections that are open', async () => {
      const known = new Set([staff.server.issuer, customers.server.issuer]);
      const audience = [ORDERS, INVOICES];
      const issuers = (iss: string): object | undefined => (known.has(iss) ? { issuer: iss } : undefined);
      app = await bootGateways(
        library,
        { audience, issuers: issuers as never },
        { platform, gateways: [RootGateway] },
      );
      const removed = await connect(library, app.origin, bearer(tokenOf(customers, ORDERS)));
      const other = await connect(library, app.origin, bearer(tokenOf(staff, ORDERS)));
      for (const client of [removed, other]) {
        client.send('any');
        expect(await client.next('any')).toBe('any');
      }
      known.delete(customers.server.issuer);
      app.nest.get(IssuerRegistry).forget(customers.server.issuer);
      removed.send('any');
      expect(await removed.next('exception')).toMatchObject({ statusCode: 401 });
      other.send('any');
      expect(await other.next('any')).toBe('any');
      const again = await connect(library, app.origin, bearer(tokenOf(customers, ORDERS)));
      expect(again.ended).toEqual(refusedWith(library, 401, 'unauthorized', 'invalid_token'));
    });
  },
);
