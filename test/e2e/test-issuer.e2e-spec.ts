/** Is the kit's issuer a real one? It opens, mints, forgets, rotates, goes down and comes back. */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { connect, createServer as createTlsServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Controller, Get } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from 'jose';
import {
  AuthModule,
  CertBound,
  Claims,
  Groups,
  Introspect,
  Scopes,
  type AccessTokenClaims,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { TestIssuer, type TestAlgorithm, type TokenOptions } from 'nestjs-resource-server/testing';
import { bootApp, bootModule, PLATFORMS, type TestApp } from '../support/app.js';
import { selfSigned } from '../support/certificates.js';
import { advanceClock } from '../support/clock.js';
import { bearer, send } from '../support/http.js';
import { keepSecret } from '../support/no-secrets-in-output.js';

@Controller()
class ThingsController {
  @Get('me') me(@Claims() claims: AccessTokenClaims): AccessTokenClaims {
    return claims;
  }
  @Get('scoped') @Scopes('read') @Groups('staff') scoped(): string {
    return 'scoped';
  }
  @Get('fresh') @Introspect() fresh(): string {
    return 'fresh';
  }
  @Get('certificate') @CertBound() certificate(): string {
    return 'certificate';
  }
}

describe.each(PLATFORMS)('a test issuer and an application on %s', (platform) => {
  let issuer: TestIssuer;
  let app: TestApp | undefined;

  beforeEach(async () => {
    issuer = await TestIssuer.start();
    keepSecret(issuer.options.clientSecret);
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await issuer.close();
  });

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp({ ...issuer.options, ...options }, { platform, controllers: [ThingsController] });
  };
  const status = async (token: string, path = '/me'): Promise<number | undefined> =>
    (await app?.get(path, bearer(keepSecret(token))))?.status;

  it('agree on good tokens', async () => {
    await boot();
    const answer = await app?.get('/me', bearer(issuer.token()));
    expect(answer).toMatchObject({
      status: 200,
      body: { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'client-1' },
    });
    expect(answer?.body).not.toHaveProperty('scope');
    expect(await status(issuer.token({ scope: ['read', 'write'], groups: ['staff'] }), '/scoped')).toBe(200);
    expect(await status(issuer.token({ scope: 'read' }), '/scoped')).toBe(403);
    expect(await status(issuer.token({ audience: 'https://b.example' }))).toBe(401);
    expect(await status(issuer.token({ audience: ['https://b.example', issuer.audience] }))).toBe(200);
    expect(await status(issuer.token({ expiresIn: -3600 }))).toBe(401);
    expect(await status(issuer.token({ claims: { exp: undefined } }))).toBe(401);
    expect(await status(issuer.token({ header: { typ: 'JWT' } }))).toBe(200);
    expect(await status(issuer.token({ header: { typ: 'dpop+jwt' } }))).toBe(401);
  });

  it.each<TestAlgorithm>(['RS256', 'PS256', 'ES256', 'EdDSA'])('agree on %s', async (algorithm) => {
    await using other = await TestIssuer.start({ algorithm, audience: 'https://b.example' });
    await boot(other.options);
    expect(decodeProtectedHeader(other.token()).alg).toBe(algorithm);
    expect(await status(other.token())).toBe(200);
    expect(await status(other.attack.keyConfusion())).toBe(401);
  });

  it('agree on opaque tokens, until they are revoked or expire', async () => {
    await boot({ introspectionCacheDuration: 0 });
    const [one, other] = [issuer.opaqueToken({ sub: 'u-2' }), issuer.opaqueToken()];
    expect((await app?.get('/me', bearer(one)))?.body).toMatchObject({ active: true, sub: 'u-2' });
    issuer.revoke(one);
    expect([await status(one), await status(other)]).toEqual([401, 200]);
    advanceClock(1200);
    expect(await status(other)).toBe(401);
  });

  it('agree on JWTs that the issuer is asked about', async () => {
    await boot();
    const token = issuer.token();
    expect(await status(token, '/fresh')).toBe(200);
    issuer.revoke(token);
    expect([await status(token, '/fresh'), await status(token)]).toEqual([401, 200]);
  });

  it('agree on DPoP', async () => {
    await boot({ dpop: { nonce: 'a secret that all instances of it share' } });
    const key = issuer.dpop();
    const token = keepSecret(key.token({ sub: 'u-3' }));
    const url = `${app?.origin}/me?x=1#y`;
    const first = await app?.get('/me', { ...key.headers({ url, token }) });
    expect(first?.status).toBe(401);
    const nonce = String(first?.headers['dpop-nonce']);
    const second = await app?.get('/me', { ...key.headers({ url, token, nonce }) });
    expect(second).toMatchObject({ status: 200, body: { sub: 'u-3', cnf: { jkt: key.thumbprint } } });
    const spoiled = key.headers({ url, token, nonce, claims: { jti: undefined } });
    expect((await app?.get('/me', { ...spoiled }))?.status).toBe(401);
  });

  it('agree on client certificates, those of the kit and those of others', async () => {
    let presented: string | undefined;
    await boot({ certificateResolver: () => presented });
    const [own, foreign] = [issuer.certificate(), await selfSigned({ commonName: 'client' })];
    for (const [cert, token] of [
      [own.cert, own.token()],
      [foreign.cert, issuer.token({ boundTo: foreign.cert })],
    ] as const) {
      presented = cert;
      expect(await status(token, '/certificate')).toBe(200);
      presented = issuer.certificate().cert;
      expect(await status(token, '/certificate')).toBe(401);
      presented = undefined;
      expect(await status(token)).toBe(401);
    }
  });

  it('go through a rotation', async () => {
    await boot();
    const old = issuer.token();
    expect(await status(old)).toBe(200);
    issuer.rotateKeys({ keepOld: true });
    expect([await status(issuer.token()), await status(old)]).toEqual([200, 200]);
    advanceClock(60);
    issuer.rotateKeys();
    expect([await status(issuer.token()), await status(old)]).toEqual([200, 401]);
  });

  it('go through an outage', async () => {
    issuer.goDown();
    await boot({ warmUp: 'off', responseTimeout: 1 });
    expect(await status(issuer.token())).toBe(503);
    advanceClock(60);
    issuer.goDown(500);
    expect(await status(issuer.token())).toBe(503);
    advanceClock(60);
    issuer.comeBack();
    expect(await status(issuer.token())).toBe(200);
  });

  it('need nothing but the environment', async () => {
    const before = process.env;
    process.env = { ...before, ...issuer.environment };
    try {
      app = await bootModule([ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()], {
        platform,
        controllers: [ThingsController],
      });
      expect([await status(issuer.token()), await status(issuer.opaqueToken())]).toEqual([200, 200]);
    } finally {
      process.env = before;
    }
  });

  it('tell what was asked', async () => {
    await boot({ warmUp: 'off' });
    await status(issuer.token());
    await status(issuer.opaqueToken());
    expect(issuer.requests).toEqual([
      { method: 'GET', path: '/.well-known/openid-configuration' },
      { method: 'GET', path: '/jwks' },
      { method: 'POST', path: '/introspect' },
    ]);
  });
});

describe('a test issuer by itself', () => {
  let issuer: TestIssuer;
  beforeAll(async () => {
    issuer = await TestIssuer.start({ envPrefix: 'ADMIN_' });
  });
  afterAll(() => issuer.close());

  const post = (path: string, form: Record<string, string>, headers = {}) =>
    send(issuer.issuer + path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(form).toString(),
    });

  it('publishes the same metadata at both places', async () => {
    const [openid, oauth] = [
      await send(`${issuer.issuer}/.well-known/openid-configuration`),
      await send(`${issuer.issuer}/.well-known/oauth-authorization-server`),
    ];
    expect(openid.body).toMatchObject({
      issuer: issuer.issuer,
      jwks_uri: `${issuer.issuer}/jwks`,
      introspection_endpoint: `${issuer.issuer}/introspect`,
      revocation_endpoint: `${issuer.issuer}/revoke`,
    });
    expect(oauth.body).toEqual(openid.body);
  });

  it('publishes no private key', async () => {
    const { keys } = (await send(`${issuer.issuer}/jwks`)).body as { keys: Record<string, unknown>[] };
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([
      ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
    ]);
  });

  it('answers nobody but its client', async () => {
    const { clientId: id, clientSecret: secret } = issuer.options;
    const token = issuer.opaqueToken();
    const basic = (user: string, password: string) => ({
      authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    });
    const unknown = { status: 401, body: { error: 'invalid_client' } };
    for (const path of ['/introspect', '/revoke']) {
      expect(await post(path, { token })).toMatchObject(unknown);
      expect(await post(path, { token, client_id: id, client_secret: 'wrong' })).toMatchObject(unknown);
      expect(await post(path, { token }, basic(id, 'wrong'))).toMatchObject(unknown);
      expect(await post(path, {}, basic(id, secret))).toMatchObject({ status: 400 });
    }
    expect((await post('/introspect', { token }, basic(id, secret))).body).toMatchObject({ active: true });
    expect((await post('/revoke', { token, client_id: id, client_secret: secret })).status).toBe(200);
    expect((await post('/introspect', { token }, basic(id, secret))).body).toEqual({ active: false });
    expect((await send(`${issuer.issuer}/introspect`)).status).toBe(404);
  });

  it('names its variables as it is told', () => {
    expect(Object.keys(issuer.environment)).toEqual([
      'ADMIN_TENANT_DOMAIN',
      'ADMIN_AUDIENCE',
      'ADMIN_CLIENT_ID',
      'ADMIN_CLIENT_SECRET',
    ]);
  });

  it('spoils only what it says', () => {
    const options: TokenOptions = { sub: 'u', scope: 'read', groups: ['staff'], claims: { tenant: 't' } };
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(issuer.attack)).filter(
      (name) => !['constructor', 'strangersKey'].includes(name),
    ) as (keyof Omit<TestIssuer['attack'], 'strangersKey'>)[];
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      const payload = JSON.parse(
        Buffer.from(issuer.attack[name](options).split('.')[1] ?? '', 'base64url').toString(),
      ) as object;
      const sub = name === 'tampered' ? 'somebody-else' : 'u';
      expect([name, payload]).toEqual([
        name,
        expect.objectContaining({ sub, scope: 'read', groups: ['staff'], tenant: 't' }),
      ]);
    }
    expect(issuer.attack.oversized().length).toBeGreaterThan(11_000);
    expect(issuer.attack.oversized({}, 40_000).length).toBeGreaterThan(38_000);
  });

  it('writes thumbprints as the RFCs do', async () => {
    const key = issuer.dpop();
    const proof = key.proof({ url: 'https://api.example.com/', token: 't' });
    const { jwk } = decodeProtectedHeader(proof) as { jwk: JWK };
    expect(key.thumbprint).toBe(await calculateJwkThumbprint(jwk));
    const { cert, thumbprint } = issuer.certificate();
    const { raw } = new X509Certificate(cert);
    expect(thumbprint).toBe(createHash('sha256').update(raw).digest('base64url'));
  });

  it('makes certificates that TLS takes from a client', async () => {
    const { cert, key } = issuer.certificate();
    const parsed = new X509Certificate(cert);
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    const { cert: ca, key: serverKey } = await selfSigned({ commonName: 'server', san: ['127.0.0.1'] });
    const server = createTlsServer({
      cert: ca,
      key: serverKey,
      requestCert: true,
      rejectUnauthorized: false,
    });
    const seen = new Promise<Buffer>((resolve) =>
      server.on('secureConnection', (socket) => resolve(socket.getPeerCertificate().raw)),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', ca, cert, key });
    expect(new X509Certificate(await seen).fingerprint256).toBe(parsed.fingerprint256);
    client.destroy();
    server.close();
  });
});
