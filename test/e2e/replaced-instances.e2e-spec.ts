/** Constructors that swap functions or instances in, where Nest would read other guards and other decorators. */
import { Controller, Get, Scope, UseGuards, type Type } from '@nestjs/common';
import { AuthGuard, AuthModule, OptionalAuth, Public, Scopes } from 'nestjs-resource-server';
import { bootApp, bootModule, PLATFORMS } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

const ran = (): string => 'ran';

@Controller({ path: 'rebound', scope: Scope.REQUEST })
class ReboundController {
  constructor() {
    this.handle = this.handle.bind(this);
  }
  @Get() @UseGuards(AuthGuard) @Scopes('a') handle(): string {
    return ran();
  }
}

@Controller('lost')
class LostController {
  constructor() {
    this.handle = this.handle.bind(this);
  }
  @Get() @UseGuards(AuthGuard) handle(): string {
    return ran();
  }
}

/** As a class decorator that wraps does it: the instances are of the inner class. */
function unwrap(inner: Type): Type {
  return class Wrapper extends inner {
    constructor() {
      super();
      // oxlint-disable-next-line no-constructor-return
      return new inner() as this;
    }
  };
}

function makeUnwrapped(): Type {
  class Inner {
    handle(): string {
      return ran();
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Inner.prototype, 'handle') as PropertyDescriptor;
  Get()(Inner.prototype, 'handle', descriptor);
  Scopes('a')(Inner.prototype, 'handle', descriptor);
  const wrapper = unwrap(Inner);
  Controller('unwrapped')(wrapper);
  UseGuards(AuthGuard)(wrapper);
  return wrapper;
}

/** An instance of a class that requires less, for each request. */
class Stranger {
  handle(): string {
    return ran();
  }
}
@Controller({ path: 'stranger', scope: Scope.REQUEST })
@Scopes('admin')
class StrangerController {
  constructor() {
    // oxlint-disable-next-line no-constructor-return
    return new Stranger() as unknown as this;
  }
  @Get() handle(): string {
    return ran();
  }
}
@Public()
class OpenStranger {
  handle(): string {
    return ran();
  }
}
@Controller({ path: 'open-stranger', scope: Scope.REQUEST })
class OpenStrangerController {
  constructor() {
    // oxlint-disable-next-line no-constructor-return
    return new OpenStranger() as unknown as this;
  }
  @Get() @Scopes('a') handle(): string {
    return ran();
  }
}

/** One function as the method of two classes, opened in the one. */
function makeShared(open: () => MethodDecorator): readonly Type[] {
  class Open {}
  class Guarded {}
  function shared(): string {
    return ran();
  }
  for (const { prototype } of [Open, Guarded])
    Object.defineProperty(prototype, 'handle', { value: shared, configurable: true, writable: true });
  const descriptor = Object.getOwnPropertyDescriptor(Open.prototype, 'handle') as PropertyDescriptor;
  Get()(Open.prototype, 'handle', descriptor);
  open()(Open.prototype, 'handle', descriptor);
  Controller('open')(Open);
  Controller('shared')(Guarded);
  Scopes('admin')(Guarded);
  return [Open, Guarded];
}

describe.each(PLATFORMS)('on %s', (platform) => {
  let issuer: Issuer;
  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterAll(() => issuer.close());

  it.each([
    ['a request-scoped class that rebinds a method under @UseGuards', ReboundController],
    ['a method under @UseGuards that is replaced, without other decorators', LostController],
    ['a class whose instances are of another class without the guard', makeUnwrapped()],
  ])('without a global guard, %s does not start', async (_name, controller) => {
    const module = AuthModule.forRoot({ ...issuer.options, globalGuard: false });
    const start = bootModule([module], { platform, controllers: [controller] });
    await expect(start).rejects.toThrow('its decorators require AuthGuard, which does not run here');
  });

  it.each([
    ['/stranger', StrangerController],
    ['/open-stranger', OpenStrangerController],
  ])('%s is a 500 with and without a token: its class was not there at start', async (path, controller) => {
    const app = await bootApp(issuer.options, { platform, controllers: [controller] });
    expect((await app.get(path)).status).toBe(500);
    expect((await app.get(path, bearer(issuer.token()))).status).toBe(500);
    await app.close();
  });

  it.each([
    ['@Public', Public],
    ['@OptionalAuth', OptionalAuth],
  ])('%s on a function that another class has, too, opens nothing there', async (_name, open) => {
    const app = await bootApp(issuer.options, { platform, controllers: makeShared(open) });
    expect((await app.get('/open')).status).toBe(200);
    expect((await app.get('/shared')).status).toBe(401);
    expect((await app.get('/shared', bearer(issuer.token({ claims: { scope: 'other' } })))).status).toBe(403);
    expect((await app.get('/shared', bearer(issuer.token({ claims: { scope: 'admin' } })))).status).toBe(200);
    await app.close();
  });
});
