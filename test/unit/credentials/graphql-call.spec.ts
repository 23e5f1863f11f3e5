/** Where the request is, by driver and transport: also where a context was made by hand, or shared. */
import { opensSubscription, readGraphQLCall } from '../../../lib/credentials/graphql-call.js';

const info = (operation = 'query', prev?: object): object => ({
  fieldName: 'field',
  fieldNodes: [],
  path: { key: 'field', prev },
  operation: { operation },
});
const node = (...rawHeaders: string[]) => ({ rawHeaders, headers: { forged: '1' } });
const sourceOf = (context: unknown) => readGraphQLCall([{}, {}, context, info()])?.source;

describe('readGraphQLCall', () => {
  const request = node('Host', 'a.example');

  it('finds context and info in the arguments of every kind of resolver', () => {
    const context = { req: request };
    for (const args of [
      [{}, {}, context, info()],
      [{}, context, info()],
      [{}, context, info(), { name: 'Order' }],
      [{}, undefined, context, info(), undefined],
    ]) {
      expect(readGraphQLCall(args)).toMatchObject({ operation: context, source: { carrier: request } });
    }
    for (const args of [[], [{}], [info()], [{}, {}, context], [{}, {}, undefined, info()]]) {
      expect(readGraphQLCall(args)).toBeUndefined();
    }
  });

  it('reads the headers that were received, and none that were written', () => {
    const raw = node(
      'Authorization',
      'a',
      'authorization',
      'b',
      'DPoP',
      'x',
      'dpop',
      'y',
      'Cookie',
      '1',
      'cookie',
      '2',
    );
    const fastify = { raw, headers: { authorization: 'forged', 'x-client-cert': 'forged' } };
    for (const source of [
      sourceOf({ req: raw }),
      sourceOf({ req: fastify }),
      sourceOf({ reply: { request: fastify } }),
    ]) {
      expect({ ...source?.request.headers }).toEqual({ authorization: 'a', dpop: 'x, y', cookie: '1; 2' });
    }
  });

  it('knows a connection of graphql-ws and of Mercurius, and its parameters', () => {
    const params = { authorization: 'Bearer a' };
    const connection = { connectionParams: params, extra: { request } };
    expect(sourceOf({ req: connection })).toMatchObject({ carrier: connection, connection: { params } });
    const upgrade = { raw: node('Upgrade', 'WebSocket'), headers: {} };
    expect(
      sourceOf({ reply: { request: upgrade }, request: upgrade, _connectionInit: params }),
    ).toMatchObject({
      carrier: upgrade,
      connection: { params },
    });
    expect(sourceOf({ request: upgrade, _connectionInit: params })).toMatchObject({ connection: { params } });
    expect(
      sourceOf({ reply: { request: upgrade }, connectionParams: { other: 1 }, _connectionInit: params }),
    ).toMatchObject({ connection: { params: { other: 1 } } });
  });

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['no object', { req: 'request' }],
    ['null', { req: null, reply: null }],
    ['headers of the application', { req: { headers: { authorization: 'Bearer a' } } }],
    ['the request of another caller beside that of the reply', { req: node(), reply: { request: request } }],
    ['a request that is answered', { req: { ...request, res: { writableEnded: true } } }],
  ])('has no source where the context holds %s', (_name, context) => {
    expect(readGraphQLCall([{}, {}, context, info()])).toBeDefined();
    expect(sourceOf(context)).toBeUndefined();
  });

  it('accepts the request of the reply, and what is behind it, as the same', () => {
    const fastify = { raw: request, headers: {} };
    expect(sourceOf({ req: fastify, reply: { request: fastify } })?.carrier).toBe(fastify);
    expect(sourceOf({ req: request, reply: { request: fastify } })?.carrier).toBe(fastify);
  });

  it('tells what opens a subscription from the fields of its events', () => {
    const opens = (details: object): boolean | undefined => {
      const call = readGraphQLCall([{}, {}, { req: request }, details]);
      return call && opensSubscription(call);
    };
    expect(opens(info('subscription'))).toBe(true);
    expect(opens(info('subscription', {}))).toBe(false);
    expect(opens(info('query'))).toBe(false);
  });
});
