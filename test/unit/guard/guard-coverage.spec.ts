/** Where Nest runs the guard: globally, by a class, by a handler, and by guards that can ask it. */
import 'reflect-metadata';
import { Inject, UseGuards, type CanActivate } from '@nestjs/common';
import type { ApplicationConfig, ModuleRef } from '@nestjs/core';
import { AuthGuard } from '../../../lib/guard/auth.guard.js';
import { classOf, GuardCoverage } from '../../../lib/guard/guard-coverage.js';

class Other implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}
class Derived extends AuthGuard {}
class Asks extends Other {
  constructor(readonly guard: AuthGuard) {
    super();
  }
}
Reflect.defineMetadata('design:paramtypes', [AuthGuard], Asks);
class AsksByToken extends Other {
  constructor(@Inject(AuthGuard) readonly guard: CanActivate) {
    super();
  }
}
Reflect.deleteMetadata('design:paramtypes', AsksByToken);
class AsksByProperty extends Other {
  @Inject(AuthGuard) readonly guard!: CanActivate;
}
class AsksAnother extends Other {
  @Inject(Other) readonly guard!: CanActivate;
  constructor(@Inject(Other) readonly other: Other) {
    super();
  }
}

interface Globals {
  readonly isRegistered?: boolean;
  /** What the module provides under `AuthGuard`. */
  readonly provided?: unknown;
  readonly guards?: readonly object[];
  readonly requestGuards?: readonly unknown[];
}

function coverage(globals: Globals = {}): GuardCoverage {
  const { isRegistered = false, provided = null, guards = [], requestGuards = [] } = globals;
  return new GuardCoverage(
    { get: (token: unknown) => token === AuthGuard && provided } as unknown as ModuleRef,
    {
      getGlobalGuards: () => guards,
      getGlobalRequestGuards: () => requestGuards.map((metatype) => ({ metatype })),
    } as unknown as ApplicationConfig,
    isRegistered,
  );
}

const anyGuard = (): AuthGuard => Object.create(AuthGuard.prototype) as AuthGuard;
const ofClass = (guardClass: { readonly prototype: object }): object =>
  Object.create(guardClass.prototype) as object;

describe('isGlobal', () => {
  const replacement = new Other();

  it.each<[string, Globals]>([
    ['it is registered by its module', { isRegistered: true }],
    ['an application registers it', { guards: [new Other(), anyGuard()] }],
    ['an application registers a subclass', { guards: [ofClass(Derived)] }],
    ['an application registers a guard that has it injected', { guards: [ofClass(Asks)] }],
    ['a guard that has it injected by its token', { guards: [ofClass(AsksByToken)] }],
    ['a guard that has it injected into a property', { guards: [ofClass(AsksByProperty)] }],
    ['an object that holds it', { guards: [{ canActivate: () => true, inner: anyGuard() }] }],
    ['what a test provides in its place', { provided: replacement, guards: [replacement] }],
    [
      'an object that holds what a test provides',
      { provided: replacement, guards: [{ inner: replacement }] },
    ],
    ['a request-scoped guard of its class', { requestGuards: [Other, Derived] }],
  ])('where %s', (_, globals) => {
    expect(coverage(globals).isGlobal).toBe(true);
  });

  it.each<[string, Globals]>([
    ['nothing is global', {}],
    ['other guards are', { guards: [new Other(), ofClass(AsksAnother)], requestGuards: [Other, undefined] }],
    ['a test provides another guard, which is not global', { provided: new Other(), guards: [new Other()] }],
  ])('is false where %s', (_, globals) => {
    expect(coverage(globals).isGlobal).toBe(false);
  });
});

describe('isLocal', () => {
  class Plain {
    @UseGuards(AuthGuard) guarded(): void {}
    @UseGuards(Other) otherwise(): void {}
    open(): void {}
  }
  @UseGuards(Other, Derived)
  class Guarded {
    open(): void {}
  }
  class Inheriting extends Guarded {}

  it('holds for a handler that names the guard, and for no other', () => {
    expect(coverage().isLocal(Plain, Plain.prototype.guarded)).toBe(true);
    expect(coverage().isLocal(Plain, Plain.prototype.otherwise)).toBe(false);
    expect(coverage().isLocal(Plain, Plain.prototype.open)).toBe(false);
  });

  it('holds for every handler of a class that names it, also of an inherited one', () => {
    expect(coverage().isLocal(Guarded, Guarded.prototype.open)).toBe(true);
    expect(coverage().isLocal(Inheriting, Inheriting.prototype.open)).toBe(true);
  });

  it('counts the class only, where each request has an instance of its own', () => {
    expect(coverage().isLocal(Plain, Plain.prototype.guarded, false)).toBe(false);
    expect(coverage().isLocal(Guarded, Guarded.prototype.open, false)).toBe(true);
  });
});

describe('classOf', () => {
  it('is that of the instance, else that which was registered', () => {
    expect(classOf(Other, new Asks(anyGuard()))).toBe(Asks);
    for (const instance of [undefined, null, Object.create(null), { constructor: 'none' }, 'text'])
      expect(classOf(Other, instance)).toBe(Other);
  });
});
