/** Does the stand-in answer as the guard does? The same routes behind both, with the same claims. */
import { Controller, Get, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { APP_GUARD } from '@nestjs/core';
import {
  AccessToken,
  AuthGuard,
  AuthModule,
  CertBound,
  Claims,
  DPoPBound,
  Groups,
  Introspect,
  OptionalAuth,
  Public,
  Scopes,
  TokenValidationService,
  type AccessTokenClaims,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { mockClaims, TestIssuer } from 'nestjs-resource-server/testing';
import { bootApp, bootModule, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';

@Controller()
@Scopes('read')
class ThingsController {
  @Get('scoped') scoped(@Claims() claims: AccessTokenClaims): AccessTokenClaims {
    return claims;
  }
  @Get('grouped') @Groups('admin') grouped(): string {
    return 'grouped';
  }
  @Get('both') @Groups(['admin', 'ops'], { matchAll: true }) both(): string {
    return 'both';
  }
  @Get('open') @Public() open(@Claims() claims?: AccessTokenClaims): unknown {
    return { claims: claims ?? 'none' };
  }
  @Get('optional') @OptionalAuth() optional(@Claims('sub') sub?: string): unknown {
    return { sub: sub ?? 'none' };
  }
  @Get('certificate') @CertBound() certificate(): string {
    return 'certificate';
  }
  @Get('dpop') @DPoPBound() dpop(): string {
    return 'dpop';
  }
  @Get('spoils') spoils(@Claims() claims: { sub: string }): string {
    claims.sub = 'somebody-else';
    return claims.sub;
  }
  @Get('raw') raw(@AccessToken() token: string): unknown {
    return { token };
  }
}

const PATHS = ['/scoped', '/grouped', '/both', '/open', '/optional', '/certificate', '/dpop', '/missing'];

const CALLERS: readonly (readonly [who: string, claims: Record<string, unknown> | undefined])[] = [
  ['nobody', undefined],
  ['a caller without scopes', { sub: 'u' }],
  ['a caller with the scope', { sub: 'u', scope: 'read write' }],
  ['a caller with the scope in a list', { sub: 'u', scp: ['read'] }],
  ['a member of one group', { sub: 'u', scope: 'read', groups: ['admin'] }],
  ['a member of both groups', { sub: 'u', scope: 'read', groups: ['ops', 'admin'] }],
];

describe.each(PLATFORMS)('mocked claims on %s', (platform) => {
  let app: TestApp | undefined;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  describe('beside the real guard', () => {
    let issuer: TestIssuer;
    let real: TestApp;
    beforeAll(async () => {
      issuer = await TestIssuer.start();
      real = await bootApp(issuer.options, { platform, controllers: [ThingsController] });
    });
    afterAll(async () => {
      await real.close();
      await issuer.close();
    });

    it.each(CALLERS)('answers %s alike', async (_who, claims) => {
      app = await bootModule([], {
        platform,
        controllers: [ThingsController],
        providers: [{ provide: APP_GUARD, useValue: mockClaims(claims) }],
      });
      const headers = claims ? bearer(issuer.token({ claims })) : {};
      for (const path of PATHS) {
        const [mocked, answer] = [await app.get(path), await real.get(path, headers)];
        expect([path, mocked.status]).toEqual([path, answer.status]);
        expect(mocked.headers['www-authenticate']).toEqual(answer.headers['www-authenticate']);
        if (path !== '/scoped' || answer.status !== 200) expect(mocked.text).toBe(answer.text);
      }
    });
  });

  it('makes up what the test does not say, and freezes it', async () => {
    app = await bootModule([], {
      platform,
      controllers: [ThingsController],
      providers: [{ provide: APP_GUARD, useValue: mockClaims({ scope: 'read', tenant: 't-1' }) }],
    });
    expect((await app.get('/scoped')).body).toMatchObject({
      iss: 'https://issuer.test',
      sub: 'user-1',
      aud: 'https://api.test',
      exp: expect.any(Number) as number,
      iat: expect.any(Number) as number,
      tenant: 't-1',
    });
    expect((await app.get('/spoils')).status).toBe(500);
    expect((await app.get('/raw')).body).toEqual({ token: 'mocked-token' });
  });

  it('believes a binding, and asks for one', async () => {
    const guard = mockClaims({ scope: 'read', cnf: { 'x5t#S256': 'any' } });
    app = await bootModule([], {
      platform,
      controllers: [ThingsController],
      providers: [{ provide: APP_GUARD, useValue: guard }],
    });
    expect((await app.get('/certificate')).status).toBe(200);
    expect((await app.get('/dpop')).status).toBe(401);
    guard.claims = { scope: 'read', cnf: { jkt: 'any' } };
    expect((await app.get('/certificate')).status).toBe(401);
    expect((await app.get('/dpop')).status).toBe(200);
    guard.claims = undefined;
    expect((await app.get('/dpop')).headers['www-authenticate']).toMatch(/^DPoP algs=/);
  });

  describe('in an application that imports AuthModule', () => {
    const environment = process.env;
    afterEach(() => {
      process.env = environment;
    });

    it('needs no issuer, no audience and no network', async () => {
      let asked = 0;
      const fetcher = (): Promise<Response> => {
        asked += 1;
        return Promise.resolve(new Response(null, { status: 404 }));
      };
      const guard = mockClaims({ scope: 'read', groups: ['admin'] });
      app = await bootModule([ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot({ fetcher })], {
        platform,
        controllers: [ThingsController],
        customize: (builder) => guard.applyTo(builder),
      });
      expect((await app.get('/grouped')).status).toBe(200);
      guard.claims = { scope: 'read' };
      expect((await app.get('/grouped')).status).toBe(403);
      guard.claims = undefined;
      expect((await app.get('/grouped')).status).toBe(401);
      expect(asked).toBe(0);
    });

    it.each<readonly [string, AuthModuleOptions]>([
      ['@Introspect()', {}],
      ['introspectJwtTokens', { introspectJwtTokens: true }],
      ['introspectionEndpoint', { introspectionEndpoint: 'https://issuer.example.com/introspect' }],
      ['backChannelLogout', { backChannelLogout: true }],
      ['tokenExchange', { tokenExchange: { grant: 'jwt-bearer' } }],
      ['a client without its secret', { clientId: 'the-api' }],
      ['a client without its key', { clientId: 'the-api', clientAuthMethod: 'private_key_jwt' }],
      ['a client without its certificate', { clientId: 'the-api', clientAuthMethod: 'tls_client_auth' }],
      [
        'clients of several issuers',
        {
          issuers: [
            { name: 'staff', issuer: 'https://staff.example.com', clientAuthMethod: 'private_key_jwt' },
            { name: 'customers', issuer: 'https://customers.example.com', clientId: 'the-api' },
          ],
        },
      ],
      ['a function that names issuers', { issuers: () => undefined, introspectJwtTokens: true }],
    ])('needs no credentials of the client: %s', async (_what, options) => {
      app = await bootApp(options, {
        platform,
        controllers: [LiveController],
        customize: (builder) => mockClaims({}).applyTo(builder),
      });
      expect((await app.get('/live')).status).toBe(200);
    });

    it('keeps the groupOptions of the application, wherever they stand', async () => {
      process.env = { ...environment, MONOCLOUD_BACKEND_GROUPS_MATCH_ALL: 'true' };
      const guard = mockClaims({ scope: 'read', realm_access: { roles: ['admin'] } });
      app = await bootModule(
        [
          AuthModule.forRoot({
            tenantDomain: 'https://issuer.example.com',
            groupOptions: { groupsClaim: 'realm_access.roles' },
          }),
        ],
        {
          platform,
          controllers: [ThingsController, AnyGroup],
          customize: (builder) => guard.applyTo(builder),
        },
      );
      expect((await app.get('/grouped')).status).toBe(200);
      expect((await app.get('/any')).status).toBe(403);
    });

    it('takes the place of the guard by hand, too', async () => {
      const groupOptions = { groupsClaim: 'roles' };
      app = await bootApp(
        { issuer: 'https://issuer.example.com', audience: 'https://api.example.com', warmUp: 'off' },
        {
          platform,
          controllers: [ThingsController],
          customize: (builder) =>
            builder.overrideProvider(AuthGuard).useFactory({
              factory: () => mockClaims({ scope: 'read', roles: ['admin'] }, { groupOptions }),
            }),
        },
      );
      expect((await app.get('/grouped')).status).toBe(200);
      expect(app.nest.get(TokenValidationService, { strict: false })).toBeInstanceOf(TokenValidationService);
    });

    it('still says which other options are wrong', async () => {
      @Module({ imports: [AuthModule.forRoot({ clockTolerance: -1 })] })
      class Wrong {}
      const customize = (builder: Parameters<ReturnType<typeof mockClaims>['applyTo']>[0]): void => {
        mockClaims({}).applyTo(builder);
      };
      await expect(bootModule([Wrong], { platform, controllers: [], customize })).rejects.toThrow(
        'clockTolerance',
      );
    });
  });
});

@Controller()
class LiveController {
  @Get('live') @Introspect() live(): string {
    return 'live';
  }
}

@Controller()
class AnyGroup {
  @Get('any') @Groups('admin', 'ops') any(): string {
    return 'any';
  }
}
