/** What comes after the guard: request.user, loadUser, @CurrentUser(), and the function that @nestjs/authorization asks. */
import {
  Controller,
  Get,
  Injectable,
  Req,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import {
  claimsOf,
  ConfigurationError,
  CurrentUser,
  OptionalAuth,
  Public,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

type Probed = Record<string | symbol, unknown>;

/** Reads the caller as `@nestjs/authorization` does. */
@Injectable()
class UserOfGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Probed>();
    const userOf = request[Symbol.for('nestjs.authentication.userOf')] as
      ((context: ExecutionContext) => { readonly sub?: string } | null | undefined) | undefined;
    const user = userOf?.(context);
    request['seen'] = { user: user === null ? null : user?.sub, claims: claimsOf(context)?.sub };
    return true;
  }
}

@Controller()
@UseGuards(UserOfGuard)
class MeController {
  @Get('me') me(@CurrentUser() user: unknown, @Req() request: Probed): unknown {
    return { user, property: request['user'], caller: request['caller'], seen: request['seen'] };
  }
  @Get('maybe') @OptionalAuth() maybe(@CurrentUser() user: unknown, @Req() request: Probed): unknown {
    return { user, property: request['user'], seen: request['seen'] };
  }
  @Get('open') @Public() open(@CurrentUser() user: unknown, @Req() request: Probed): unknown {
    return { user, property: request['user'], seen: request['seen'] };
  }
}

describe.each(PLATFORMS)('the current user on %s', (platform) => {
  let issuer: Issuer;
  const apps: TestApp[] = [];
  const boot = async (options: AuthModuleOptions = {}): Promise<TestApp> => {
    const app = await bootApp({ ...issuer.options, ...options }, { platform, controllers: [MeController] });
    apps.push(app);
    return app;
  };
  const ann = (): Record<string, string> => bearer(issuer.token({ claims: { sub: 'ann' } }));

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await issuer.close();
  });

  it('is the claims by default, as request.user, @CurrentUser() and userOf', async () => {
    const app = await boot();
    const { body } = await app.get('/me', ann());
    expect(body).toMatchObject({
      user: { sub: 'ann' },
      property: { sub: 'ann' },
      seen: { user: 'ann', claims: 'ann' },
    });
  });

  it('is nobody without a token, and on a public route whatever was sent', async () => {
    const app = await boot();
    expect((await app.get('/maybe')).body).toEqual({ seen: { user: null } });
    expect((await app.get('/maybe', ann())).body).toMatchObject({ property: { sub: 'ann' } });
    expect((await app.get('/open', ann())).body).toEqual({ seen: { user: null } });
  });

  it('is what loadUser makes of the claims, asked once per request and only for good tokens', async () => {
    const asked: unknown[] = [];
    const app = await boot({
      loadUser: async (claims, { context }) => {
        asked.push([claims.sub, context.getHandler().name]);
        return { row: 7, sub: `user of ${claims.sub}` };
      },
    });
    const loaded = { row: 7, sub: 'user of ann' };
    expect((await app.get('/me', ann())).body).toMatchObject({
      user: loaded,
      property: loaded,
      seen: { user: 'user of ann', claims: 'ann' },
    });
    await app.get('/maybe');
    await app.get('/me', bearer(issuer.token({ claims: { exp: 1 } })));
    expect(asked).toEqual([['ann', 'me']]);
  });

  it.each([null, undefined])('answers 401 where loadUser knows nobody (%s)', async (nobody) => {
    const app = await boot({ loadUser: () => nobody });
    const answer = await app.get('/me', ann());
    expect(answer).toMatchObject({ status: 401, body: { statusCode: 401, message: 'unauthorized' } });
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(loggedLines()).toContainEqual(expect.stringContaining('loadUser returned no user'));
    // An optional route has a caller who is not known: wrong, not absent.
    expect((await app.get('/maybe', ann())).status).toBe(401);
  });

  it('answers 500 where loadUser fails, and lets nobody through', async () => {
    const app = await boot({
      loadUser: () => {
        throw new Error('the database is down');
      },
    });
    const answer = await app.get('/me', ann());
    expect(answer).toMatchObject({ status: 500, body: { message: 'internal server error' } });
  });

  it('stands where userProperty says, or nowhere', async () => {
    const renamed = await boot({ userProperty: 'caller' });
    expect((await renamed.get('/me', ann())).body).toMatchObject({
      user: { sub: 'ann' },
      caller: { sub: 'ann' },
    });
    expect((await renamed.get('/me', ann())).body).not.toHaveProperty('property');
    const off = await boot({ userProperty: false });
    const { body } = await off.get('/me', ann());
    expect(body).toMatchObject({ user: { sub: 'ann' } });
    expect(body).not.toHaveProperty('property');
  });

  it('refuses a userProperty that is neither a name nor false', async () => {
    await expect(boot({ userProperty: '' })).rejects.toBeInstanceOf(ConfigurationError);
    await expect(boot({ userProperty: true as never })).rejects.toBeInstanceOf(ConfigurationError);
  });

  it('reads userProperty from the environment', async () => {
    process.env['USER_TEST_USER_PROPERTY'] = 'False';
    try {
      const off = await boot({ envPrefix: 'USER_TEST_' });
      expect((await off.get('/me', ann())).body).not.toHaveProperty('property');
    } finally {
      delete process.env['USER_TEST_USER_PROPERTY'];
    }
  });
});
