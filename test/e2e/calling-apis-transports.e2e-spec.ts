/** On behalf of the caller of a resolver, of a gateway and of a message handler; and what they answer where that is refused. */
import { Controller, Inject, type INestMicroservice } from '@nestjs/common';
import { Context, Query, Resolver } from '@nestjs/graphql';
import { Ctx, MessagePattern, type ClientProxy, type MicroserviceOptions } from '@nestjs/microservices';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { OnBehalfOf, Public } from 'nestjs-resource-server';
import { firstValueFrom } from 'rxjs';
import { bootApp, type TestApp } from '../support/app.js';
import { graphqlModule, post, postBody, STACKS } from '../support/graphql.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { connectClient, KINDS, startMicroservice } from '../support/messages.js';
import { bearer as presented, bootGateways, closeClients, connect, LIBRARIES } from '../support/sockets.js';
import { claimsIn, PRODUCTS, TokenRequests } from '../support/token-requests.js';

const TARGET = { audience: PRODUCTS };

let issuer: Issuer;
let requests: TokenRequests;
beforeAll(async () => void (issuer = await Issuer.start()));
beforeEach(() => void (requests = new TokenRequests(issuer)));
afterAll(() => issuer.close());

const tokenOf = (sub: string): string => issuer.token({ claims: { sub } });

/** Whose token another API would get. */
async function subjectFor(onBehalfOf: OnBehalfOf, caller: object): Promise<string> {
  return String(claimsIn(await onBehalfOf.accessTokenFor(caller, TARGET))['sub']);
}

const SIGN_IN = [400, '{"error":"interaction_required","acr_values":"mfa"}'] as const;
const REFUSED = { statusCode: 403, message: 'forbidden', errorCode: 'insufficient_user_authentication' };

describe.each(STACKS)('on behalf of the caller of a resolver: $name', ({ driver, platform }) => {
  @Resolver()
  class InvoicesResolver {
    constructor(@Inject(OnBehalfOf) private readonly onBehalfOf: OnBehalfOf) {}
    @Query(() => String, { nullable: true }) invoices(@Context() { req }: { req: object }): Promise<string> {
      return subjectFor(this.onBehalfOf, req);
    }
    @Query(() => String, { nullable: true }) @Public() open(
      @Context() { req }: { req: object },
    ): Promise<string> {
      return subjectFor(this.onBehalfOf, req);
    }
  }

  let app: TestApp;
  beforeAll(async () => {
    app = await bootApp(issuer.introspecting, {
      platform,
      controllers: [],
      imports: [graphqlModule(driver)],
      providers: [InvoicesResolver],
    });
  });
  afterAll(() => app.close());

  it('exchanges the token of each request, also of a batch', async () => {
    for (const sub of ['ann', 'bob']) {
      const { body } = await post(app, '{ a: invoices b: invoices }', bearer(tokenOf(sub)));
      expect(body).toEqual({ data: { a: sub, b: sub } });
    }
    const query = '{ invoices }';
    const { body } = await postBody(app, [{ query }, { query }], bearer(tokenOf('eve')));
    expect(body).toEqual([{ data: { invoices: 'eve' } }, { data: { invoices: 'eve' } }]);
  });

  it('exchanges nothing for an anonymous caller', async () => {
    const { body, headers } = await post(app, '{ open }');
    expect(body.errors?.map(({ extensions }) => extensions)).toEqual([
      { code: 'UNAUTHENTICATED', errorCode: 'missing_token' },
    ]);
    expect(headers['www-authenticate']).toBe('Bearer');
    expect(requests.count).toBe(0);
  });

  it('hands a demand to sign in again on', async () => {
    requests.fault = SIGN_IN;
    const { body, headers } = await post(app, '{ invoices }', bearer(tokenOf('ann')));
    expect(body.errors?.map(({ extensions }) => extensions)).toEqual([
      { code: 'FORBIDDEN', errorCode: 'insufficient_user_authentication' },
    ]);
    expect(headers['www-authenticate']).toContain('acr_values="mfa"');
  });
});

describe.each(LIBRARIES)('on behalf of the caller of a gateway on %s', (library) => {
  @WebSocketGateway()
  class InvoicesGateway {
    constructor(@Inject(OnBehalfOf) private readonly onBehalfOf: OnBehalfOf) {}
    @SubscribeMessage('invoices') async invoices(@ConnectedSocket() client: object): Promise<unknown> {
      return { event: 'invoices', data: await subjectFor(this.onBehalfOf, client) };
    }
    @SubscribeMessage('open') @Public() async open(@ConnectedSocket() client: object): Promise<unknown> {
      return { event: 'open', data: await subjectFor(this.onBehalfOf, client) };
    }
  }

  let app: TestApp;
  beforeAll(async () => {
    app = await bootGateways(library, issuer.introspecting, { gateways: [InvoicesGateway] });
  });
  afterEach(() => closeClients());
  afterAll(() => app.close());

  it('exchanges the token of each connection, but not for a public message', async () => {
    const [ann, bob] = await Promise.all(
      ['ann', 'bob'].map((sub) => connect(library, app.origin, presented(tokenOf(sub)))),
    );
    for (let i = 0; i < 2; i++) {
      ann?.send('invoices');
      bob?.send('invoices');
      expect([await ann?.next('invoices'), await bob?.next('invoices')]).toEqual(['ann', 'bob']);
    }
    expect(requests.count).toBe(2);
    ann?.send('open');
    expect(await ann?.next('exception')).toMatchObject({ statusCode: 401, errorCode: 'missing_token' });
  });

  it('hands a demand to sign in again on', async () => {
    requests.fault = SIGN_IN;
    const client = await connect(library, app.origin, presented(tokenOf('ann')));
    client.send('invoices');
    expect(await client.next('exception')).toEqual({ status: 'error', ...REFUSED });
  });
});

describe('on behalf of the caller of a message handler', () => {
  const kind = KINDS.find(({ name }) => name === 'TCP');

  @Controller()
  class InvoicesController {
    constructor(@Inject(OnBehalfOf) private readonly onBehalfOf: OnBehalfOf) {}
    @MessagePattern('invoices') invoices(@Ctx() context: object): Promise<string> {
      return subjectFor(this.onBehalfOf, context);
    }
    @MessagePattern('open') @Public() open(@Ctx() context: object): Promise<string> {
      return subjectFor(this.onBehalfOf, context);
    }
  }

  let app: INestMicroservice;
  let client: ClientProxy;
  beforeAll(async () => {
    const options = (await kind?.options()) as MicroserviceOptions;
    app = await startMicroservice(issuer.introspecting, options, { controllers: [InvoicesController] });
    client = connectClient(options);
  });
  afterAll(async () => {
    client.close();
    await app.close();
  });

  const ask = (pattern: string, sub: string): Promise<unknown> =>
    firstValueFrom(
      client.send(pattern, kind?.record({}, [['authorization', `Bearer ${tokenOf(sub)}`]])),
    ).catch((error: unknown) => error);

  it('exchanges the token of each message, and nothing on a public handler', async () => {
    const answers = await Promise.all(['ann', 'bob', 'eve'].map((sub) => ask('invoices', sub)));
    expect(answers).toEqual(['ann', 'bob', 'eve']);
    expect(await ask('open', 'ann')).toMatchObject({ statusCode: 401, errorCode: 'missing_token' });
  });

  it('hands a demand to sign in again on', async () => {
    requests.fault = SIGN_IN;
    expect(await ask('invoices', 'ann')).toMatchObject(REFUSED);
  });
});
