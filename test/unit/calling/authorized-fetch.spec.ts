/** Requests with a token for another API: what is sent as it is, and what can be sent again for a nonce. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fetchWithToken } from '../../../lib/calling/authorized-fetch.js';
import { DPoPKey } from '../../../lib/calling/dpop-key.js';
import { claimsIn } from '../../support/token-requests.js';

interface Seen {
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const TOKEN = 'the-token';

let server: Server;
let origin: string;
let seen: Seen[];
/** What each request is refused with; `undefined`: it is not. */
let challengeFor: (nonce: unknown) => Record<string, string> | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, headers } = request;
      seen.push({ method, headers, body: Buffer.concat(chunks).toString() });
      const nonce = typeof headers['dpop'] === 'string' ? claimsIn(headers['dpop'])['nonce'] : undefined;
      const challenge = challengeFor(nonce);
      response.writeHead(challenge ? 401 : 200, challenge).end('said');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  seen = [];
  challengeFor = () => undefined;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const USE_NONCE = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n-1' };
const wantsNonce = (nonce: unknown): Record<string, string> | undefined =>
  nonce === 'n-1' ? undefined : USE_NONCE;

describe('with a Bearer token', () => {
  it('replaces every Authorization header, and leaves the others', async () => {
    await fetchWithToken(TOKEN, undefined, origin, {
      headers: [
        ['AUTHORIZATION', 'Basic YTpi'],
        ['authorization', 'Bearer other'],
        ['X-Own', 'yes'],
      ],
    });
    expect(seen).toMatchObject([{ headers: { authorization: `Bearer ${TOKEN}`, 'x-own': 'yes' } }]);
  });

  it('takes the headers of a Request, unless there are others', async () => {
    const request = new Request(origin, {
      method: 'PUT',
      body: 'text',
      headers: { 'x-own': 'of the request' },
    });
    await fetchWithToken(TOKEN, undefined, request.clone(), undefined);
    await fetchWithToken(TOKEN, undefined, request, { method: 'PATCH', headers: { 'x-other': 'yes' } });
    expect(seen).toMatchObject([
      { method: 'PUT', body: 'text', headers: { 'x-own': 'of the request' } },
      { method: 'PATCH', body: 'text', headers: { 'x-other': 'yes', authorization: `Bearer ${TOKEN}` } },
    ]);
    expect(seen[1]?.headers['x-own']).toBeUndefined();
  });

  it('changes nothing of what was given', async () => {
    const headers = new Headers({ authorization: 'Basic YTpi' });
    await fetchWithToken(TOKEN, undefined, new URL(origin), { headers });
    expect([...headers]).toEqual([['authorization', 'Basic YTpi']]);
  });

  it('is not sent again, whatever is answered', async () => {
    challengeFor = wantsNonce;
    expect((await fetchWithToken(TOKEN, undefined, origin, undefined)).status).toBe(401);
    expect(seen).toHaveLength(1);
  });
});

describe('with a DPoP token', () => {
  const form = (): FormData => {
    const data = new FormData();
    data.set('a', 'text');
    return data;
  };
  const bytes = new TextEncoder().encode('text');

  it.each<[string, () => RequestInit | undefined, string]>([
    ['nothing', () => undefined, ''],
    ['text', () => ({ method: 'POST', body: 'text' }), 'text'],
    ['nothing in it', () => ({ method: 'POST', body: '' }), ''],
    ['parameters', () => ({ method: 'POST', body: new URLSearchParams('a=text') }), 'text'],
    ['a file', () => ({ method: 'POST', body: new Blob(['text']) }), 'text'],
    ['a form', () => ({ method: 'POST', body: form() }), 'text'],
    ['bytes', () => ({ method: 'POST', body: bytes }), 'text'],
    ['a buffer', () => ({ method: 'POST', body: bytes.buffer }), 'text'],
  ])('sends a body again for a nonce: %s', async (_, init, text) => {
    challengeFor = wantsNonce;
    const answer = await fetchWithToken(TOKEN, new DPoPKey({ clockSkew: 0 }), origin, init());
    expect([answer.status, await answer.text()]).toEqual([200, 'said']);
    expect(seen.map(({ body }) => body.includes(text))).toEqual([true, true]);
    const proofs = seen.map(({ headers }) => claimsIn(String(headers['dpop'])));
    expect(proofs[0]?.['jti']).not.toBe(proofs[1]?.['jti']);
  });

  it('sends a Request again that has no body', async () => {
    challengeFor = wantsNonce;
    const request = new Request(`${origin}/a?b=c`, { headers: { 'x-own': 'yes' } });
    const answer = await fetchWithToken(TOKEN, new DPoPKey({ clockSkew: 0 }), request, undefined);
    expect(answer.status).toBe(200);
    expect(seen.map(({ headers }) => headers['x-own'])).toEqual(['yes', 'yes']);
    expect(claimsIn(String(seen[1]?.headers['dpop']))).toMatchObject({ htm: 'GET', htu: `${origin}/a` });
  });

  it('does not send a Request again whose body has been read; its nonce is in the next one', async () => {
    challengeFor = wantsNonce;
    const key = new DPoPKey({ clockSkew: 0 });
    const request = (): Request => new Request(origin, { method: 'POST', body: 'text' });
    const first = await fetchWithToken(TOKEN, key, request(), undefined);
    expect([first.status, await first.text()]).toEqual([401, 'said']);
    expect((await fetchWithToken(TOKEN, key, request(), undefined)).status).toBe(200);
    expect(seen.map(({ body }) => body)).toEqual(['text', 'text']);
  });

  it('proves the method that is sent', async () => {
    const request = new Request(origin, { method: 'DELETE' });
    await fetchWithToken(TOKEN, new DPoPKey({ clockSkew: 0 }), request, { method: 'PUT', body: 'x' });
    expect(seen[0]?.method).toBe('PUT');
    expect(claimsIn(String(seen[0]?.headers['dpop']))['htm']).toBe('PUT');
  });

  it('is sent again once, however often a nonce is required', async () => {
    let number = 0;
    challengeFor = () => ({ ...USE_NONCE, 'dpop-nonce': `other-${++number}` });
    const answer = await fetchWithToken(TOKEN, new DPoPKey({ clockSkew: 0 }), origin, undefined);
    expect([answer.status, seen.length]).toEqual([401, 2]);
  });
});
