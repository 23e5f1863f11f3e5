/** Tokens from the test issuer's `/token`: what they hold, that the application accepts them, and who gets none. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { Controller, Get, Post } from '@nestjs/common';
import { Claims, Groups, Scopes, type AccessTokenClaims } from 'nestjs-resource-server';
import { TestIssuer, type TokenEndpointOptions } from 'nestjs-resource-server/testing';
import { bootApp, PLATFORMS } from '../support/app.js';
import { bearer, send, type Answer, type Call } from '../support/http.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { sendBytes } from '../support/raw-socket.js';

@Controller('things')
class ThingsController {
  @Get() list(@Claims() claims: AccessTokenClaims): AccessTokenClaims {
    return claims;
  }
  @Post() @Scopes('write') @Groups('staff') create(): string {
    return 'created';
  }
}

let issuer: TestIssuer;

const start = async (tokenEndpoint?: TokenEndpointOptions): Promise<void> => {
  issuer = await TestIssuer.start({
    clientSecret: 'a-fixed-secret',
    ...(tokenEndpoint && { tokenEndpoint }),
  });
};
afterEach(() => issuer.close());

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const request = (body = '', call: Call = {}): Promise<Answer> =>
  send(`${issuer.issuer}/token`, { method: 'POST', headers: FORM, body, ...call });

const tokenIn = ({ body }: Answer): string =>
  keepSecret((body as { readonly access_token: string }).access_token);

const claimsIn = (answer: Answer): unknown =>
  JSON.parse(Buffer.from(tokenIn(answer).split('.')[1] ?? '', 'base64url').toString());

it('says that it takes POST requests only', async () => {
  await start({});
  const response = await fetch(`${issuer.issuer}/token`);
  expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([
    405,
    'POST',
    'Tokens are issued to POST requests (RFC 6749 section 3.2).\n',
  ]);
});

describe.each(PLATFORMS)('an application on %s and the token endpoint of its issuer', (platform) => {
  it.each([false, true])('agree on its tokens (opaque: %s)', async (opaque) => {
    await start({ sub: 'ada', scope: 'read', opaque });
    const app = await bootApp(issuer.options, { platform, controllers: [ThingsController] });
    const plain = tokenIn(await request());
    expect(plain.split('.')).toHaveLength(opaque ? 1 : 3);
    expect(await app.get('/things', bearer(plain))).toMatchObject({
      status: 200,
      body: { sub: 'ada', scope: 'read', client_id: 'client-1' },
    });
    const post = async (token: string): Promise<number> => {
      const headers = { ...bearer(token), 'content-type': 'application/json' };
      return (await app.send('/things', { method: 'POST', headers, body: '{}' })).status;
    };
    expect(await post(plain)).toBe(403);
    expect(await post(tokenIn(await request('scope=read+write&groups=staff')))).toBe(201);
    expect(await post(tokenIn(await request('scope=read+write&groups=staff&expires_in=-3600')))).toBe(401);
    const other = tokenIn(await request('audience=https%3A%2F%2Fother.example.com'));
    expect((await app.get('/things', bearer(other))).status).toBe(401);
    await app.close();
  });
});

describe('the token endpoint', () => {
  it('is not there unless it is asked for, nor in the metadata', async () => {
    await start();
    expect((await request('grant_type=client_credentials')).status).toBe(404);
    const metadata = await send(`${issuer.issuer}/.well-known/openid-configuration`);
    expect(metadata.body).not.toHaveProperty('grant_types_supported');
  });

  it('answers as RFC 6749 section 5.1 has it', async () => {
    await start({});
    const answer = await request('grant_type=client_credentials&scope=a+b');
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: { token_type: 'Bearer', expires_in: 600, scope: 'a b' },
    });
    const metadata = await send(`${issuer.issuer}/.well-known/openid-configuration`);
    expect(metadata.body).toMatchObject({
      token_endpoint: `${issuer.issuer}/token`,
      grant_types_supported: ['client_credentials'],
    });
  });

  it('writes what the request says into the token, and its own settings where the request is silent', async () => {
    await start({ sub: 'ada', scope: ['read', 'write'], groups: ['staff'], expiresIn: 60 });
    expect(claimsIn(await request('sub=&scope=&groups=&audience='))).toMatchObject({
      aud: issuer.audience,
      sub: 'ada',
      scope: 'read write',
      groups: ['staff'],
    });
    const form =
      'sub=bob&scope=pay&groups=a&groups=b%2Cc&audience=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&client_id=shop';
    const claims = claimsIn(await request(form)) as { exp: number; iat: number };
    expect(claims).toMatchObject({
      aud: ['https://a.example', 'https://b.example'],
      sub: 'bob',
      scope: 'pay',
      groups: ['a', 'b,c'],
      client_id: 'shop',
    });
    expect(claims.exp - claims.iat).toBe(60);
    const basic = Buffer.from('backend:any').toString('base64');
    const headers = { ...FORM, authorization: `Basic ${basic}` };
    expect(claimsIn(await request('', { headers }))).toMatchObject({ client_id: 'backend', sub: 'ada' });
  });

  it('answers with the bare token for shells', async () => {
    await start({});
    const { text, headers } = await request('', { headers: { ...FORM, accept: 'text/plain' } });
    expect(headers['content-type']).toBe('text/plain');
    expect(keepSecret(text.trim()).split('.')).toHaveLength(3);
    expect(text).toMatch(/^\S+\n$/);
  });

  it.each([
    ['another grant', 'grant_type=password&username=a&password=b', 'unsupported_grant_type'],
    ['a scope with a quote', 'scope=%22a%22', 'invalid_scope'],
    ['a scope with a line break', 'scope=a%0Ab', 'invalid_scope'],
    ['a scope twice', 'scope=a&scope=b', 'invalid_request'],
    ['a lifetime in words', 'expires_in=1h', 'invalid_request'],
    ['a lifetime beyond numbers', 'expires_in=99999999999999999999', 'invalid_request'],
  ])('refuses %s', async (_what, form, error) => {
    await start({});
    const answer = await request(form);
    expect(answer).toMatchObject({ status: 400, body: { error, error_description: expect.any(String) } });
  });

  it('refuses JSON, whose parameters would be passed over', async () => {
    await start({});
    const headers = { 'content-type': 'application/json' };
    const answer = await request('{"scope":"read"}', { headers });
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  it.each([
    ['a web page', { origin: 'http://localhost:5173' }],
    ['a sandboxed page', { origin: 'null' }],
    ['a tunnel', { 'x-forwarded-for': '203.0.113.7' }],
    ['a proxy', { forwarded: 'for=203.0.113.7' }],
  ])('gives no token to %s', async (_who, header) => {
    await start({});
    const answer = await request('', { headers: { ...FORM, ...header } });
    expect(answer).toMatchObject({ status: 403, body: { error: 'access_denied' } });
  });

  it.each([
    ['127.0.0.1:4100', 200],
    ['localhost:4100', 200],
    ['LOCALHOST', 200],
    ['[::1]:4100', 200],
    ['rebound.example', 403],
    ['127.0.0.1.rebound.example:4100', 403],
    ['localhost@rebound.example', 403],
    ['a b', 403],
    ['', 403],
  ])('knows by the Host "%s" whether the request is for this machine: %i', async (host, status) => {
    await start({});
    const bytes = `POST /token HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    expect(await sendBytes(issuer.issuer, bytes)).toBe(status);
  });

  it('outlives a client that hangs up in the middle of its form', async () => {
    await start({});
    const { hostname, port } = new URL(issuer.issuer);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write('POST /token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nscope=');
    while (issuer.requests.length === 0) await new Promise(setImmediate);
    socket.resetAndDestroy();
    expect((await request()).status).toBe(200);
  });
});
