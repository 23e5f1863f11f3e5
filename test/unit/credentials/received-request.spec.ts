import { IncomingMessage } from 'node:http';
import type { IncomingRequest } from '../../../lib/credentials/incoming-request.js';
import { asReceived, forApplication, viewOf } from '../../../lib/credentials/received-request.js';

describe('viewOf', () => {
  class Request extends IncomingMessage {
    cookies = { session: 's' };
    get host(): string | undefined {
      return this.headers.host;
    }
    readHeader(name: string): unknown {
      return this.headers[name];
    }
  }
  const request = new Request({} as never);
  request.rawHeaders.push('Host', 'api.example', 'Authorization', 'Bearer a', 'authorization', 'Bearer b');
  request.headers = { host: 'forged', 'x-client-cert': 'forged' };
  request.url = '/chat?room=1';
  const view = viewOf(request as IncomingRequest) as unknown as Request & { query: unknown };

  it('has the headers that were received, also for what the request reads of itself', () => {
    expect(view.headers).toEqual({ host: 'api.example', authorization: 'Bearer a' });
    expect(view.host).toBe('api.example');
    expect(view.readHeader('host')).toBe('api.example');
    expect(() => (view.headers = {})).toThrow(TypeError);
  });

  it('has the query of a request that nobody has parsed it of, and leaves that of another', () => {
    expect(view.query).toEqual({ room: '1' });
    const parsed = { headers: {}, rawHeaders: [], url: '/?a=1', query: { a: 'parsed' } };
    expect(viewOf(parsed as IncomingRequest).query).toEqual({ a: 'parsed' });
  });

  it('is the request for everything else, and writes nothing into it', () => {
    expect(view.cookies).toBe(request.cookies);
    expect('cookies' in view && 'headers' in view && !('missing' in view)).toBe(true);
    expect(view).toBeInstanceOf(Request);
    Object.assign(view, { user: 'somebody' });
    expect(view).toHaveProperty('user', 'somebody');
    expect(request).not.toHaveProperty('user');
    expect(request.headers.host).toBe('forged');
  });
});

describe('asReceived', () => {
  const requestOf = (token: string, ...more: string[]): IncomingRequest => ({
    headers: { authorization: 'forged' },
    rawHeaders: ['Authorization', token, ...more],
    method: 'POST',
    url: '/graphql?a=1',
  });

  it('is made once for a request, with the headers that were received', () => {
    const request = requestOf('Bearer a');
    const received = asReceived(request);
    expect(asReceived(request)).toBe(received);
    expect(received.headers).toEqual({ authorization: 'Bearer a' });
    expect([received.method, received.url, received.query]).toEqual(['POST', '/graphql?a=1', { a: '1' }]);
  });

  it.each<[string, (from: IncomingRequest) => IncomingRequest]>([
    ['a copy', (from) => ({ ...from, ...requestOf('Bearer b') })],
    ['what inherits from it', (from) => Object.assign(Object.create(from) as object, requestOf('Bearer b'))],
  ])('is not that of another request: %s', (_, make) => {
    const request = requestOf('Bearer a');
    asReceived(request);
    expect(asReceived(make(request)).headers).toEqual({ authorization: 'Bearer b' });
  });

  it.each([
    [['Upgrade', 'websocket'], true],
    [['upgrade', 'WebSocket'], true],
    [['Upgrade', 'h2c'], false],
    [[], false],
  ])('says whether it asks for a WebSocket: %j', (headers, isUpgrade) =>
    expect(asReceived(requestOf('Bearer a', ...headers)).isUpgrade).toBe(isUpgrade),
  );
});

describe('forApplication', () => {
  it('gives all that others have put on the request', () => {
    const request = Object.assign({ headers: {}, rawHeaders: ['A', 'b'] }, { cookies: { session: 's' } });
    const view = forApplication(asReceived(request)) as IncomingRequest & typeof request;
    expect([view.headers, view.cookies]).toEqual([{ a: 'b' }, { session: 's' }]);
  });

  it('leaves a request as it is', () => {
    const request = { headers: {} };
    expect(forApplication(request)).toBe(request);
  });
});
