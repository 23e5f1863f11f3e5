/** What comes over the connections of this module, and when they are not used. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import {
  Agent,
  getGlobalDispatcher,
  interceptors,
  MockAgent,
  setGlobalDispatcher,
  type Dispatcher,
} from 'undici';
import { Cancellation } from '../../../lib/timing/cancellation.js';
import { ConnectionPool, isFetchChanged } from '../../../lib/issuer/connection-pool.js';

describe('ConnectionPool', () => {
  const TEXT = '{"active":true}';
  let server: Server;
  let url: string;
  let answer: RequestListener;
  let pool: ConnectionPool;

  beforeAll(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect?a=b`;
    pool = new ConnectionPool();
  });
  afterAll(async () => {
    await pool.close();
    server.close();
  });

  const send = (call = new Cancellation()) =>
    pool.send(url, { method: 'POST', headers: { accept: 'application/json' }, body: 'token=t' }, call);

  it('sends a form, asks for no compression, and reads status, headers and body', async () => {
    let seen: unknown;
    answer = (request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        const { 'accept-encoding': encoding, 'user-agent': agent } = request.headers;
        seen = [request.method, request.url, encoding, agent, body];
        response.writeHead(503, { 'retry-after': '7', 'set-cookie': ['a=1', 'b=2'] }).end(`\ufeff${TEXT}`);
      });
    };
    const { status, headers, body } = await send();
    expect(seen).toEqual(['POST', '/introspect?a=b', 'identity', 'node', 'token=t']);
    expect([status, headers.get('retry-after'), headers.get('set-cookie'), headers.get('x')]).toEqual([
      503,
      '7',
      'a=1',
      null,
    ]);
    expect(body).toBe(TEXT);
  });

  it.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('reads an answer that is compressed all the same: %s', async (encoding, compress) => {
    answer = (_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(compress(TEXT));
    expect((await send()).body).toBe(TEXT);
  });

  it.each<[string, RequestListener]>([
    ['too large', (_, response) => response.end('x'.repeat(600_000))],
    [
      'small, and too large when it is read',
      (_, response) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(10_000_000))),
    ],
    [
      'in an unknown encoding',
      (_, response) => response.writeHead(200, { 'content-encoding': 'zip' }).end('x'),
    ],
    [
      'in an encoding named like a member of every object',
      (_, response) => response.writeHead(200, { 'content-encoding': 'constructor' }).end('x'),
    ],
    [
      'cut off',
      (_, response) =>
        response.writeHead(200, { 'content-length': 100 }).write('x', () => response.destroy()),
    ],
  ])('rejects an answer that is %s', async (_, listener) => {
    answer = listener;
    await expect(send()).rejects.toThrow();
    answer = (_request, response) => response.end(TEXT);
    expect((await send()).body).toBe(TEXT);
  });

  it('ends where it is cancelled, before and after an answer has begun', async () => {
    const reason = new Error('too late');
    const early = new Cancellation();
    early.cancel(reason);
    await expect(send(early)).rejects.toBe(reason);
    const late = new Cancellation();
    const closed = new Promise((resolve) => {
      answer = (_, response) => {
        response.on('close', resolve);
        response.writeHead(200).write('{', () => late.cancel(reason));
      };
    });
    await expect(send(late)).rejects.toBe(reason);
    // Its connection is not kept: the rest of the answer may never come.
    await closed;
    answer = (_, response) => response.end(TEXT);
    expect((await send()).body).toBe(TEXT);
  });
});

describe('isFetchChanged', () => {
  const before = getGlobalDispatcher();
  const nodes = globalThis.fetch;

  afterEach(() => {
    setGlobalDispatcher(before);
    globalThis.fetch = nodes;
  });

  it('is false for Node’s own, and for an agent without settings', () => {
    expect(isFetchChanged()).toBe(false);
    setGlobalDispatcher(new Agent());
    expect(isFetchChanged()).toBe(false);
  });

  it('is true for an agent whose dispatch is replaced later', () => {
    const agent = new Agent();
    setGlobalDispatcher(agent);
    expect(isFetchChanged()).toBe(false);
    agent.dispatch = () => true;
    expect(isFetchChanged()).toBe(true);
  });

  it('is true where fetch is replaced', () => {
    globalThis.fetch = () => Promise.reject(new Error('a mock'));
    expect(isFetchChanged()).toBe(true);
  });

  it.each<[string, () => Dispatcher]>([
    ['a mock', () => new MockAgent()],
    ['an agent with interceptors', () => new Agent().compose(interceptors.retry())],
    [
      'an agent with a factory',
      () => new Agent({ factory: (origin) => new MockAgent().get(String(origin)) as never }),
    ],
    ['an agent with certificates', () => new Agent({ connect: { ca: 'a' } })],
    ['an agent with an address of its own', () => new Agent({ localAddress: '127.0.0.2' })],
    ['an agent that extends Agent', () => new (class Agent2 extends Agent {})()],
  ])('is true for %s', (_, make) => {
    setGlobalDispatcher(make());
    expect(isFetchChanged()).toBe(true);
  });
});
