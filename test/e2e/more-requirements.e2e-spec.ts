/** @AnyScope, @StepUp, @RequireClaims, @Actor and requireScopes on the wire. */
import { runInNewContext } from 'node:vm';
import { Controller, Get, Param, Req } from '@nestjs/common';
import {
  Actor,
  AnyScope,
  OptionalAuth,
  Public,
  RequireClaims,
  requireScopes,
  Scopes,
  StepUp,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer, type Answer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { advanceClock, holdClock } from '../support/clock.js';

const ok = 'ok';

@Controller()
@AnyScope('read', 'manage')
class ScopesController {
  @Get('any') any(): string {
    return ok;
  }
  @Get('any-both') @AnyScope('audit', 'admin') @Scopes('base') both(): string {
    return ok;
  }
}

@Controller()
@StepUp({ acrValues: ['gold', 'silver'], maxAge: 600 })
class StepUpController {
  @Get('fresh') fresh(): string {
    return ok;
  }
  @Get('strict') @Scopes('pay') @StepUp({ acrValues: ['gold', 'bronze'], maxAge: 60 }) strict(): string {
    return ok;
  }
}

@Controller('tenants/:tenantId')
@RequireClaims({ email_verified: true, tenant_id: { param: 'tenantId' } })
class TenantController {
  @Get() show(@Param('tenantId') id: string): string {
    return id;
  }
  @Get('plans') @RequireClaims({ plan: ['pro', 'team'] }) plans(): string {
    return ok;
  }
}

/** Another class of promises, as some database libraries have. */
const OtherPromise = runInNewContext('Promise') as PromiseConstructor;

@Controller()
class PredicateController {
  @Get('adult') @RequireClaims({ age: (age) => typeof age === 'number' && age >= 18 }) adult(): string {
    return ok;
  }
  @Get('later')
  @RequireClaims({ sub: async (sub, claims) => sub === 'ann' && claims.iss !== '' })
  later(): string {
    return ok;
  }
  @Get('other-promise')
  @RequireClaims({ sub: (sub) => OtherPromise.resolve(sub === 'ann') })
  otherPromise(): string {
    return ok;
  }
  @Get('other-rejects')
  @RequireClaims({ sub: () => OtherPromise.reject(new Error('down')) })
  otherRejects(): string {
    return ok;
  }
  @Get('truthy') @RequireClaims({ sub: () => 1 as never }) truthy(): string {
    return ok;
  }
  @Get('throws')
  @RequireClaims({
    sub: () => {
      throw new Error('a fault of the application');
    },
  })
  throws(): string {
    return ok;
  }
  @Get('rejects') @RequireClaims({ sub: () => Promise.reject(new Error('down')) }) rejects(): string {
    return ok;
  }
  @Get('own') @RequireClaims({ toString: 'x' }) own(): string {
    return ok;
  }
}

@Controller()
class BelowController {
  @Get('actor') actor(@Actor() actor: Actor | undefined): unknown {
    return { actor };
  }
  @Get('tool') tool(@Req() request: object): string {
    requireScopes(request, 'tools:delete', 'tools:write');
    return ok;
  }
  @Get('tool-optional') @OptionalAuth() toolOptional(@Req() request: object): string {
    requireScopes(request, 'tools:write');
    return ok;
  }
  @Get('tool-public') @Public() toolPublic(@Req() request: object): string {
    requireScopes(request, 'tools:write');
    return ok;
  }
  @Get('tool-nothing') toolNothing(@Req() request: object): string {
    (requireScopes as (request: object) => void)(request);
    return ok;
  }
}

const CONTROLLERS = [
  ScopesController,
  StepUpController,
  TenantController,
  PredicateController,
  BelowController,
];

describe.each(PLATFORMS)('requirements on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(
      { ...issuer.options, clockTolerance: 120, resourceMetadata: { resource: 'https://api.example.com' } },
      { platform, controllers: CONTROLLERS },
    );
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  const ask = (path: string, claims: Record<string, unknown>): Promise<Answer> =>
    app.get(path, bearer(issuer.token({ claims: { scope: undefined, groups: undefined, ...claims } })));
  const now = (): number => Math.floor(Date.now() / 1000);
  const METADATA = 'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"';

  it.each([
    ['/any', { scope: 'read' }, 200, ''],
    ['/any', { scope: 'manage other' }, 200, ''],
    ['/any', { scope: 'other' }, 403, 'scope="read"'],
    ['/any', {}, 403, 'scope="read"'],
    ['/any-both', { scope: 'base read admin' }, 200, ''],
    ['/any-both', { scope: 'base read' }, 403, 'scope="base read audit"'],
    ['/any-both', { scope: 'read admin' }, 403, 'scope="base read audit"'],
  ])('%s with %j: %i', async (path, claims, status, scope) => {
    const answer = await ask(path, claims);
    expect(answer.status).toBe(status);
    if (status === 403)
      expect(answer.headers['www-authenticate']).toBe(
        `Bearer error="insufficient_scope", ${scope}, ${METADATA}`,
      );
  });

  it('names the scopes in the challenge of a request without a token, and no error', async () => {
    const { headers, status } = await app.get('/any-both');
    expect([status, headers['www-authenticate']]).toEqual([
      401,
      `Bearer scope="base read audit", ${METADATA}`,
    ]);
    expect((await app.get('/actor')).headers['www-authenticate']).toBe(`Bearer ${METADATA}`);
  });

  const FRESH =
    'Bearer error="insufficient_user_authentication", error_description="The caller must sign in again, as the challenge requires"';

  it.each<readonly [string, () => Record<string, unknown>, number]>([
    ['gold and now', () => ({ acr: 'gold', auth_time: now() }), 200],
    ['silver, 10 minutes ago', () => ({ acr: 'silver', auth_time: now() - 600 }), 200],
    ['within the leeway of 60 s', () => ({ acr: 'gold', auth_time: now() - 655 }), 200],
    ['past the leeway, although clockTolerance is 120', () => ({ acr: 'gold', auth_time: now() - 665 }), 401],
    ['ahead within the leeway', () => ({ acr: 'gold', auth_time: now() + 55 }), 200],
    ['ahead past the leeway', () => ({ acr: 'gold', auth_time: now() + 65 }), 401],
    ['another acr', () => ({ acr: 'bronze', auth_time: now() }), 401],
    ['a list as acr', () => ({ acr: ['gold'], auth_time: now() }), 401],
    ['no acr', () => ({ auth_time: now() }), 401],
    ['no auth_time', () => ({ acr: 'gold' }), 401],
    ['auth_time as text', () => ({ acr: 'gold', auth_time: String(now()) }), 401],
  ])('step-up: %s', async (_name, claims, status) => {
    const answer = await ask('/fresh', claims());
    expect(answer.status).toBe(status);
    if (status === 401) {
      expect(answer.headers['www-authenticate']).toBe(
        `${FRESH}, acr_values="gold silver", max_age="600", ${METADATA}`,
      );
      expect(answer.body).toEqual({ statusCode: 401, message: 'unauthorized' });
    }
  });

  it('joins the step-up of class and handler, checks scopes first, and names them', async () => {
    expect((await ask('/strict', { acr: 'bronze', auth_time: now() })).status).toBe(403);
    const answer = await ask('/strict', { scope: 'pay', acr: 'silver', auth_time: now() });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      `${FRESH}, acr_values="gold", max_age="60", scope="pay", ${METADATA}`,
    ]);
    expect((await ask('/strict', { scope: 'pay', acr: 'gold', auth_time: now() - 30 })).status).toBe(200);
  });

  it('lets a sign-in age while its token is remembered', async () => {
    const headers = bearer(issuer.token({ claims: { acr: 'gold', auth_time: now(), exp: now() + 3600 } }));
    expect((await app.get('/fresh', headers)).status).toBe(200);
    expect((await app.get('/fresh', headers)).status).toBe(200);
    advanceClock(700);
    expect((await app.get('/fresh', headers)).status).toBe(401);
  });

  const member = { email_verified: true, tenant_id: 'acme' };
  it.each([
    ['/tenants/acme', member, 200],
    ['/tenants/other', member, 403],
    ['/tenants/acme', { ...member, tenant_id: ['other', 'acme'] }, 200],
    ['/tenants/7', { ...member, tenant_id: 7 }, 200],
    ['/tenants/undefined', { email_verified: true }, 403],
    ['/tenants/acme', { ...member, email_verified: 'true' }, 403],
    ['/tenants/acme', { tenant_id: 'acme' }, 403],
    ['/tenants/acme/plans', member, 403],
    ['/tenants/acme/plans', { ...member, plan: 'team' }, 200],
    ['/tenants/acme/plans', { ...member, plan: ['free', 'pro'] }, 200],
    ['/tenants/acme/plans', { ...member, plan: 'free' }, 403],
    ['/adult', { age: 18 }, 200],
    ['/adult', { age: 17 }, 403],
    ['/later', { sub: 'ann' }, 200],
    ['/later', { sub: 'ben' }, 403],
    ['/truthy', {}, 403],
    ['/other-promise', { sub: 'ann' }, 200],
    ['/other-promise', { sub: 'ben' }, 403],
    ['/other-rejects', {}, 500],
    ['/throws', {}, 500],
    ['/rejects', {}, 500],
    ['/own', {}, 403],
  ])('claims: %s with %j: %i', async (path, claims, status) => {
    const answer = await ask(path, claims);
    expect(answer.status).toBe(status);
    if (status === 403)
      expect(answer.headers['www-authenticate']).toBe(`Bearer error="insufficient_scope", ${METADATA}`);
  });

  it('checks a route parameter for every request of a token that is remembered', async () => {
    const headers = bearer(issuer.token({ claims: member }));
    const statuses = [];
    for (const id of ['acme', 'other', 'acme', 'other'])
      statuses.push((await app.get(`/tenants/${id}`, headers)).status);
    expect(statuses).toEqual([200, 403, 200, 403]);
  });

  it.each([
    [{ act: { sub: 'service', act: { sub: 'earlier' } } }, { sub: 'service', act: { sub: 'earlier' } }],
    [{}, undefined],
    [{ act: 'service' }, undefined],
  ])('@Actor() of %j is %j', async (claims, actor) => {
    expect((await ask('/actor', claims)).body).toEqual(actor === undefined ? {} : { actor });
  });

  it('requireScopes answers with the scopes of the operation', async () => {
    expect((await ask('/tool', { scope: 'tools:write tools:delete' })).status).toBe(200);
    const refused = await ask('/tool', { scope: 'tools:write' });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      403,
      `Bearer error="insufficient_scope", scope="tools:delete tools:write", ${METADATA}`,
    ]);
    for (const path of ['/tool-optional', '/tool-public']) {
      const anonymous = await app.get(path);
      expect([anonymous.status, anonymous.headers['www-authenticate']]).toEqual([401, `Bearer ${METADATA}`]);
    }
    expect((await ask('/tool-nothing', {})).status).toBe(500);
  });
});

describe.each(PLATFORMS)('step-up on %s', (platform) => {
  @Controller()
  class AgeController {
    @Get('minute') @StepUp({ maxAge: 60 }) minute(): string {
      return ok;
    }
    @Get('now') @StepUp({ maxAge: 0 }) now(): string {
      return ok;
    }
  }

  it.each([-3600, 3600])('counts by the true time on a clock that is %d s ahead', async (clockSkew) => {
    holdClock();
    const issuer = await Issuer.start();
    const options = { ...issuer.introspecting, clockSkew, clockTolerance: 10 };
    const app = await bootApp(options, { platform, controllers: [AgeController] });
    const trueNow = Math.floor(Date.now() / 1000) - clockSkew;
    const ask = async (path: string, age: number): Promise<readonly number[]> => {
      const claims = { auth_time: trueNow - age, iat: trueNow - 1, nbf: trueNow - 1, exp: trueNow + 600 };
      const tokens = [issuer.token({ claims }), issuer.opaqueToken(claims)];
      return Promise.all(tokens.map(async (token) => (await app.get(path, bearer(token))).status));
    };
    expect(await ask('/minute', 60)).toEqual([200, 200]);
    expect(await ask('/minute', 75)).toEqual([401, 401]);
    expect(await ask('/minute', -15)).toEqual([401, 401]);
    expect(await ask('/minute', clockSkew)).toEqual([401, 401]);
    expect(await ask('/now', 5)).toEqual([200, 200]);
    expect(await ask('/now', 15)).toEqual([401, 401]);
    await app.close();
    await issuer.close();
  });
});

describe.each(PLATFORMS)('requirements that nothing can meet on %s', (platform) => {
  @Controller()
  @StepUp({ acrValues: ['gold'] })
  class AcrController {
    @Get() @StepUp({ acrValues: ['silver'] }) read(): string {
      return ok;
    }
  }

  @Controller('tenants/:tenant')
  @RequireClaims({ tenant_id: { param: 'tenantId' } })
  class MisspeltController {
    @Get() read(): string {
      return ok;
    }
  }

  it.each([
    [AcrController, 'AcrController.read: @StepUp() of class and handler have no acr value in common'],
    [
      MisspeltController,
      'MisspeltController.read: @RequireClaims() reads :tenantId, which GET /tenants/:tenant does not have',
    ],
  ])('%p does not start', async (controller, message) => {
    const issuer = await Issuer.start();
    await expect(bootApp(issuer.options, { platform, controllers: [controller] })).rejects.toThrow(message);
    await issuer.close();
  });
});
