/** The module in an application: what handlers get, filters see, tests override, and the service does without a route. */
import {
  Catch,
  Controller,
  ForbiddenException,
  Get,
  HttpException,
  Injectable,
  Module,
  ParseIntPipe,
  UnauthorizedException,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
  type PipeTransform,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import {
  AccessToken,
  AuthError,
  AuthGuard,
  Claims,
  claimsOf,
  OptionalAuth,
  Public,
  Scopes,
  TokenError,
  TokenValidationService,
  type AccessTokenClaims,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';
import { makeKey } from '../support/tokens.js';

@Catch(HttpException)
class ProblemFilter implements ExceptionFilter {
  catch(exception: HttpException, host: ArgumentsHost): void {
    const { cause } = exception;
    const response = host.switchToHttp().getResponse<{
      status(code: number): { send(body: unknown): void };
    }>();
    response.status(exception.getStatus()).send({
      title: exception.message,
      kind: exception instanceof UnauthorizedException ? 'Unauthorized' : exception.constructor.name,
      code: cause instanceof AuthError ? cause.code : undefined,
    });
  }
}

@Injectable()
class UpperCasePipe implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

@Controller()
class ThingsController {
  @Get('claims') claims(@Claims() claims: AccessTokenClaims): unknown {
    return { claims, frozen: Object.isFrozen(claims) && Object.isFrozen(claims['groups']) };
  }
  @Get('some') some(
    @Claims('sub') sub: string,
    @Claims('sub', UpperCasePipe) upper: string,
    @Claims('age', ParseIntPipe) age: number,
    @Claims('https://example.com/roles') roles: unknown,
    @Claims('toString') inherited: unknown,
  ): unknown {
    return { sub, upper, age, roles, inherited: typeof inherited };
  }
  @Get('token') token(@AccessToken() token: string): unknown {
    return { length: token.length };
  }
  @Get('optional') @OptionalAuth() optional(
    @Claims() claims: unknown,
    @AccessToken() token: unknown,
  ): unknown {
    return { claims: typeof claims, token: typeof token };
  }
  @Get('public') @Public() public(@Claims() claims: unknown, @Claims('sub') sub: unknown): unknown {
    return { claims: typeof claims, sub: typeof sub };
  }
  @Get('scoped') @Scopes('admin') scoped(@Claims('sub') sub: unknown): unknown {
    return { sub: typeof sub };
  }
  @Get('filtered') @Scopes('admin') @UseFilters(ProblemFilter) filtered(): string {
    return 'ok';
  }
}

describe.each(PLATFORMS)('the module on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(issuer.options, { platform, controllers: [ThingsController] });
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it('answers a request without a token', async () => {
    const answer = await app.get('/claims');
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.body).toEqual({ statusCode: 401, message: 'unauthorized' });
  });

  it('answers a bad token, and tells the operator why', async () => {
    const answer = await app.get(
      '/claims',
      bearer(issuer.token({ claims: { aud: 'https://api.example.com/' } })),
    );
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The access token is invalid"',
    );
    expect(answer.body).toEqual({ statusCode: 401, message: 'unauthorized' });
    expect(loggedLines().join('\n')).toContain(
      'ThingsController.claims: 401 invalid_token: aud is "https://api.example.com/", expected "https://api.example.com": differs by a trailing slash',
    );
  });

  it('says apart that a token expired, for a new one will do', async () => {
    const answer = await app.get('/claims', bearer(issuer.token({ claims: { exp: 1 } })));
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The access token expired"',
    );
  });

  it('injects the claims, frozen', async () => {
    const answer = await app.get(
      '/claims',
      bearer(issuer.token({ claims: { sub: 'ann', deep: { a: [1] } } })),
    );
    expect(answer.body).toMatchObject({
      claims: { sub: 'ann', deep: { a: [1] }, groups: ['staff'] },
      frozen: true,
    });
  });

  it('injects single claims, through pipes, and never what is not a claim', async () => {
    const claims = { sub: 'ann', age: '42', 'https://example.com/roles': ['r'] };
    expect((await app.get('/some', bearer(issuer.token({ claims })))).body).toEqual({
      sub: 'ann',
      upper: 'ANN',
      age: 42,
      roles: ['r'],
      inherited: 'undefined',
    });
  });

  it('injects the token', async () => {
    const token = issuer.token();
    expect((await app.get('/token', bearer(token))).body).toEqual({ length: token.length });
  });

  it('injects nothing where no token was looked at', async () => {
    expect((await app.get('/optional')).body).toEqual({ claims: 'undefined', token: 'undefined' });
    expect((await app.get('/optional', bearer(issuer.token()))).body).toEqual({
      claims: 'object',
      token: 'string',
    });
    expect((await app.get('/public', bearer(issuer.token()))).body).toEqual({
      claims: 'undefined',
      sub: 'undefined',
    });
  });

  it('throws ordinary exceptions, which the application’s filters see with their cause', async () => {
    const anonymous = await app.get('/filtered');
    expect(anonymous.status).toBe(401);
    expect(anonymous.body).toMatchObject({ kind: 'Unauthorized', code: 'missing_token' });
    expect(anonymous.headers['www-authenticate']).toBe('Bearer');
    const { status, body } = await app.get('/filtered', bearer(issuer.token()));
    expect(status).toBe(403);
    expect(body).toMatchObject({ kind: ForbiddenException.name, code: 'insufficient_scope' });
  });

  it('lets a test override the guard', async () => {
    const unasked = await Issuer.start();
    const replaced = await bootApp(unasked.options, {
      platform,
      controllers: [ThingsController],
      customize: (builder) => builder.overrideProvider(AuthGuard).useValue({ canActivate: () => true }),
    });
    for (let i = 0; i < 5; i++) expect((await replaced.get('/scoped')).body).toEqual({ sub: 'undefined' });
    expect(unasked.server.requests).toEqual([]);
    await replaced.close();
    await unasked.close();
  });

  it('hands the claims to interceptors, and to nobody for another request', async () => {
    const seen: unknown[] = [];
    const watching = await bootApp(issuer.options, {
      platform,
      controllers: [ThingsController],
      beforeListening: (nest) =>
        void nest.useGlobalInterceptors({
          intercept: (context, next) => {
            seen.push(claimsOf(context.switchToHttp().getRequest<object>())?.sub, claimsOf({}));
            return next.handle();
          },
        }),
    });
    expect((await watching.get('/scoped', bearer(issuer.token({ claims: { scope: 'admin' } })))).status).toBe(
      200,
    );
    expect(seen).toEqual(['user-1', undefined]);
    await watching.close();
  });

  it('provides its guard and service to every module', async () => {
    @Injectable()
    class Feature {
      constructor(
        readonly tokens: TokenValidationService,
        readonly guard: AuthGuard,
      ) {}
    }
    @Module({ providers: [Feature] })
    class FeatureModule {}
    const booted = await bootApp(issuer.options, { platform, controllers: [], imports: [FeatureModule] });
    const feature = booted.nest.get(Feature, { strict: false });
    expect(feature.guard).toBeInstanceOf(AuthGuard);
    await expect(feature.tokens.validateAccessToken(issuer.token())).resolves.toMatchObject({
      sub: 'user-1',
    });
    await booted.close();
  });

  it('takes the token from where the application says', async () => {
    const cookie = await bootApp(
      {
        ...issuer.options,
        tokenResolver: ({ headers }: { headers: { cookie?: string } }) =>
          headers.cookie?.replace('token=', ''),
      },
      { platform, controllers: [ThingsController] },
    );
    const call = (value: string): Promise<unknown> =>
      cookie.get('/optional', { cookie: value, ...bearer('ignored') }).then(({ status }) => status);
    expect(await Promise.all([call(`token=${issuer.token()}`), call('token='), call('token=x.y.z')])).toEqual(
      [200, 200, 401],
    );
    await cookie.close();
  });
});

describe('TokenValidationService', () => {
  let issuer: Issuer;
  let app: TestApp;
  let service: TokenValidationService;

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(issuer.options, { platform: 'Express', controllers: [] });
    service = app.nest.get(TokenValidationService);
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      'a signature',
      () => service.validateAccessToken(issuer.token({}, makeKey('ES256', issuer.key.kid))),
      'invalid_token',
    ],
    ['an opaque token', () => service.validateAccessToken('opaque'), 'invalid_token'],
    [
      'a scope',
      () => service.validateAccessToken(issuer.token(), { scopes: ['admin'] }),
      'insufficient_scope',
    ],
    [
      'a group',
      () => service.validateAccessToken(issuer.token(), { groups: ['admin'] }),
      'insufficient_groups',
    ],
    [
      'no group at all',
      () => service.validateAccessToken(issuer.token(), { groups: [] }),
      'insufficient_groups',
    ],
  ])('refuses for %s', async (_, validate, code) => {
    const error: unknown = await validate().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenError);
    expect(error).toMatchObject({ code });
  });

  it.each<[string, object]>([
    ['a misspelt option', { scope: ['admin'] }],
    ['options of a decorator', { groups: ['admin'], matchAll: true }],
    ['scopes in a Set', { scopes: new Set(['admin']) }],
    ['scopes in an object', { scopes: {} }],
    ['scopes in one string', { scopes: 'admin' }],
    ['a scope that is not a string', { scopes: [undefined] }],
    ['no list of scopes', { scopes: null }],
    ['groups in a Set', { groups: new Set(['admin']) }],
    ['a group that is not a string', { groups: ['admin', 7] }],
    ['no list of groups', { groups: null }],
  ])('requires nothing by mistake: %s is a TypeError', async (_, options) => {
    // Twice: nothing of the first call is kept.
    for (let time = 0; time < 2; time++)
      await expect(service.validateAccessToken(issuer.token(), options)).rejects.toBeInstanceOf(TypeError);
  });

  it('takes options that are not set', async () => {
    const options = { scopes: undefined, groups: undefined, clientCertificate: undefined } as never;
    await expect(service.validateAccessToken(issuer.token(), options)).resolves.toMatchObject({
      sub: 'user-1',
    });
  });

  it('says once how to accept opaque tokens', async () => {
    const warnings: string[] = [];
    const fresh = await bootApp(issuer.options, { platform: 'Express', controllers: [] });
    const tokens = fresh.nest.get(TokenValidationService);
    for (const token of ['one', 'two', 'three'])
      await tokens.validateAccessToken(token).catch(() => undefined);
    warnings.push(...loggedLines().filter((line) => line.includes('configure introspection')));
    expect(warnings).toHaveLength(1);
    await fresh.close();
  });

  it('refuses junk that is not a string', async () => {
    for (const junk of [undefined, null, 7, {}, ['a.b.c']]) {
      await expect(service.validateAccessToken(junk as never)).rejects.toBeInstanceOf(TokenError);
    }
  });
});

describe('outside HTTP', () => {
  class Messages {
    guarded(): void {}
    @Public() open(): void {}
  }

  it.each(['rpc', 'ws', 'graphql', 'foo'])('a %s message is refused unless it is public', async (type) => {
    const issuer = await Issuer.start();
    const app = await bootApp(issuer.options, { platform: 'Express', controllers: [] });
    const receive = async (method: 'guarded' | 'open'): Promise<boolean> => {
      const context = new ExecutionContextHost([{}, {}], Messages, Messages.prototype[method]);
      context.setType(type);
      return app.nest.get(AuthGuard).canActivate(context);
    };
    await expect(receive('guarded')).rejects.toMatchObject({ cause: expect.any(AuthError) });
    await expect(receive('open')).resolves.toBe(true);
    await app.close();
    await issuer.close();
  });
});
