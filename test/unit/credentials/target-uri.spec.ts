/** Whose host is it? By address, host and header, where the wire of a test has only loopback. */
import type { Socket } from 'node:net';
import type { IncomingRequest } from '../../../lib/credentials/incoming-request.js';
import { isForTarget, normalizeUri } from '../../../lib/credentials/normalize-uri.js';
import { targetUriOf } from '../../../lib/credentials/target-uri.js';

interface Incoming {
  readonly host?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly encrypted?: boolean;
  readonly url?: string;
  readonly originalUrl?: string;
}

function requestOf({
  host,
  localAddress,
  encrypted = false,
  url = '/x',
  ...rest
}: Incoming): IncomingRequest {
  const headers = host === undefined ? {} : { host };
  const socket = { localAddress, encrypted } as unknown as Socket;
  return { headers, rawHeaders: Object.entries(headers).flat(), socket, url, ...rest };
}

const targetOf = (incoming: Incoming, audience: string | readonly string[] = []): string | undefined =>
  targetUriOf(requestOf(incoming), { audience });

describe('a loopback host', () => {
  const hosts = ['localhost', '127.0.0.1', '127.8.9.10:3000', '[::1]', 'LocalHost:80'];

  it.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'])(
    'is own where the connection came in on %s',
    (localAddress) => {
      for (const host of hosts)
        expect([host, targetOf({ host, localAddress })]).toEqual([host, normalizeUri(`http://${host}/x`)]);
    },
  );

  it.each([
    undefined,
    '',
    '10.0.0.5',
    '192.168.127.0',
    '::',
    'fe80::1',
    '::ffff:10.0.0.5',
    '1127.0.0.1',
    '0.0.0.0',
  ])('is not own where the connection came in on %s', (localAddress) => {
    for (const host of hosts) expect([host, targetOf({ host, localAddress })]).toEqual([host, undefined]);
  });

  it('is own on any address if an audience has it', () => {
    const audience = ['urn:x', 'http://localhost:3000'];
    expect(targetOf({ host: 'localhost:3000', localAddress: '10.0.0.5' }, audience)).toBe(
      'http://localhost:3000/x',
    );
    expect(targetOf({ host: 'localhost:3001', localAddress: '10.0.0.5' }, audience)).toBeUndefined();
  });

  it.each([
    'localhost.',
    'localhost.evil.example',
    '0.0.0.0',
    '[::]',
    '128.0.0.1',
    'x@localhost',
    'localhost/y',
    '',
  ])('is not %j', (host) => {
    expect(targetOf({ host, localAddress: '127.0.0.1' })).toBeUndefined();
  });
});

describe('the host of an audience', () => {
  it.each<[string, boolean, string, string | undefined]>([
    ['https://api.example.com', true, 'api.example.com', 'https://api.example.com/x'],
    ['https://api.example.com/v1', true, 'API.Example.com:443', 'https://api.example.com/x'],
    ['https://API.example.com:443', true, 'api.example.com', 'https://api.example.com/x'],
    ['https://api.example.com', false, 'api.example.com:80', 'http://api.example.com/x'],
    ['https://api.example.com', false, 'api.example.com:443', undefined],
    ['https://api.example.com', true, 'api.example.com:8443', undefined],
    ['https://api.example.com:8443', true, 'api.example.com', undefined],
    ['https://[2001:DB8::0]', true, '[2001:db8::]', 'https://[2001:db8::]/x'],
    ['https://b\u00fccher.example', true, 'xn--bcher-kva.example', 'https://xn--bcher-kva.example/x'],
    ['http://my_api:3000', false, 'MY_API:3000', 'http://my_api:3000/x'],
    ['api://orders', false, 'orders', undefined],
    ['orders', false, 'orders', undefined],
  ])('%s, TLS %s, Host %s', (audience, encrypted, host, target) => {
    expect(targetOf({ host, encrypted, localAddress: '10.0.0.5' }, audience)).toBe(target);
    expect(targetOf({ host, encrypted, localAddress: '10.0.0.5' }, ['urn:x', audience])).toBe(target);
  });

  it('is not had by a request without a Host, or one that is no path', () => {
    const audience = 'https://api.example.com';
    expect(targetOf({ localAddress: '127.0.0.1' }, audience)).toBeUndefined();
    expect(targetOf({ host: 'api.example.com', url: 'http://api.example.com/x' }, audience)).toBeUndefined();
    expect(targetOf({ host: 'api.example.com', url: '*' }, audience)).toBeUndefined();
  });
});

it('is the URL as it came, before a router cut anything off', () => {
  const incoming = { host: 'api.example.com', url: '/x', originalUrl: '/v1/x?y#z' };
  expect(targetOf(incoming, 'http://api.example.com')).toBe('http://api.example.com/v1/x');
});

it.each(['https://shop.example', 'https://SHOP.example:443/'])('begins with publicUrl: %s', (publicUrl) => {
  const target = (url: string): string | undefined =>
    targetUriOf(requestOf({ host: 'evil.example', url }), { publicUrl, audience: [] });
  expect(target('/x')).toBe('https://shop.example/x');
  expect(target('/%78')).toBe('https://shop.example/%78');
  expect(target('//evil.example/x')).toBe('https://shop.example//evil.example/x');
});

describe('an htu', () => {
  it.each<[string, string, boolean]>([
    ['HTTPS://API.example:443/a', 'https://api.example/a', true],
    ['https://api.example/b/../a?x#y', 'https://api.example/a', true],
    ['https://api.example/%61', 'https://api.example/a', true],
    ['https://api.example/a', 'https://api.example/%61', false],
    ['HTTPS://API.example/%61?x', 'https://api.example/%61', true],
    ['https:/api.example/%61', 'https://api.example/%61', false],
    ['https://x@api.example/a', 'https://api.example/a', false],
    ['https://x@api.example/%61', 'https://api.example/%61', false],
    ['https://api.example', 'https://api.example/', true],
    ['ftp://api.example/a', 'ftp://api.example/a', false],
    ['/a', '/a', false],
  ])('%s is for %s: %s', (htu, target, expected) => {
    expect(isForTarget(htu, target)).toBe(expected);
  });
});
