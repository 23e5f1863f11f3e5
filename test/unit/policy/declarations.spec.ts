/** Decorators refuse where they stand: with arguments that mean nothing, and on targets where they would protect nothing. */
import { Audience } from '../../../lib/policy/audience.decorator.js';
import { CertBound } from '../../../lib/policy/cert-bound.decorator.js';
import { DPoPBound } from '../../../lib/policy/dpop-bound.decorator.js';
import { Groups } from '../../../lib/access/requirements/groups.js';
import { Introspect } from '../../../lib/policy/introspect.decorator.js';
import { Issuers } from '../../../lib/policy/issuers.decorator.js';
import { OptionalAuth } from '../../../lib/policy/optional-auth.decorator.js';
import { Public } from '../../../lib/policy/public.decorator.js';
import { Scopes } from '../../../lib/access/requirements/scopes.js';
import { decoratorOf, ownDeclarations } from '../../../lib/policy/declarations.js';
import { readRoutePolicy } from '../../../lib/policy/route-policy.js';

type AnyDecorator = (target: object, property?: unknown, descriptor?: unknown) => void;

const DECORATORS: readonly (readonly [name: string, decorator: () => ClassDecorator & MethodDecorator])[] = [
  ['@Scopes()', () => Scopes('a')],
  ['@Groups()', () => Groups('a')],
  ['@CertBound()', CertBound],
  ['@DPoPBound()', DPoPBound],
  ['@Introspect()', Introspect],
  ['@Issuers()', () => Issuers('staff')],
  ['@Audience()', () => Audience('https://a')],
  ['@OptionalAuth()', OptionalAuth],
  ['@Public()', Public],
];

describe.each(DECORATORS)('%s', (name, decorator) => {
  class Target {
    static create(): void {}
    list(): void {}
    get size(): number {
      return 0;
    }
  }
  const decorate = decorator() as AnyDecorator;
  const onPrototype = Object.getOwnPropertyDescriptor.bind(Object, Target.prototype);

  it.each<[string, readonly unknown[]]>([
    ['a method without its descriptor', [Target.prototype, 'list']],
    ['a field', [Target.prototype, 'field', undefined]],
    ['a field, as Babel describes it', [Target.prototype, 'field', { initializer: () => undefined }]],
    ['an accessor', [Target.prototype, 'size', onPrototype('size')]],
    ['a parameter', [Target.prototype, 'list', 0]],
    ['a static method', [Target, 'create', Object.getOwnPropertyDescriptor(Target, 'create')]],
    [
      'a method, as ECMAScript decorators are called',
      [Target.prototype.list, { kind: 'method', name: 'list' }],
    ],
    ['a class, as ECMAScript decorators are called', [Target, { kind: 'class', name: 'Target' }]],
    ['an object', [{}]],
    ['a method under a name that is none', [Target.prototype, 1, onPrototype('list')]],
    ['a method with null as its descriptor', [Target.prototype, 'list', null]],
  ])('throws on %s', (_, [target, ...rest]) => {
    expect(() => decorate(target as object, ...rest)).toThrow(TypeError);
    expect(() => decorate(target as object, ...rest)).toThrow(`${name} on `);
  });

  it('says where it stands', () => {
    const [onStatic, onInstance] = [Target, Target.prototype];
    expect(() => decorate(onStatic, 'create', onPrototype('list'))).toThrow(
      `${name} on Target.create: it can be`,
    );
    expect(() => decorate(onInstance, 'size', onPrototype('size'))).toThrow(
      `${name} on Target.size: it can be`,
    );
    expect(() => decorate(onInstance)).toThrow(`${name} on Target: it can be`);
    const symbol = Symbol('size');
    expect(() => decorate(onInstance, symbol)).toThrow(`${name} on Target.Symbol(size): it can be`);
    expect(() => decorate(onInstance, 1)).toThrow(`${name} on Target: it can be`);
  });

  it('works on a method that has a symbol for its name', () => {
    const symbol = Symbol('method');
    class Plain {
      [symbol](): void {}
    }
    decorate(Plain.prototype, symbol, Object.getOwnPropertyDescriptor(Plain.prototype, symbol));
    expect(ownDeclarations(Plain.prototype, symbol)).toHaveLength(1);
    expect(ownDeclarations(Plain.prototype[symbol])).toEqual(ownDeclarations(Plain.prototype, symbol));
    expect(ownDeclarations(Plain)).toEqual([]);
  });

  it('works on a class, and is not inherited there', () => {
    @decorator()
    class Plain {}
    class Derived extends Plain {}
    expect(ownDeclarations(Plain).map(decoratorOf)).toEqual([name]);
    expect(ownDeclarations(Derived)).toEqual([]);
  });

  it('works without decorator syntax, given the descriptor', () => {
    class Plain {
      list(): void {}
    }
    decorate(Plain.prototype, 'list', Object.getOwnPropertyDescriptor(Plain.prototype, 'list'));
    class Expected {
      @decorator() list(): void {}
    }
    expect(readRoutePolicy(Plain, Plain.prototype.list)).toEqual(
      readRoutePolicy(Expected, Expected.prototype.list),
    );
  });
});

it.each<[string, () => unknown]>([
  ['no scope', () => (Scopes as () => unknown)()],
  ['two scopes in one string', () => Scopes('a b')],
  ['an empty scope', () => Scopes('')],
  ['a scope with a quote', () => Scopes('a"b')],
  ['no group', () => (Groups as () => unknown)()],
  ['an empty list of groups', () => (Groups as (groups: unknown) => unknown)([])],
  ['an empty group', () => Groups('')],
  ['a group that is no string', () => (Groups as (group: unknown) => unknown)({ matchAll: true })],
])('%s throws', (_, decorate) => {
  expect(decorate).toThrow(TypeError);
});

it('several on one target add up, those that stand first last', () => {
  class Orders {
    @Introspect({ maxAge: 10 }) @Issuers('staff', 'ops') @Audience('https://a') list(): void {}
  }
  const expected = [
    { kind: 'audience', audience: 'https://a' },
    { kind: 'issuers', issuers: ['staff', 'ops'] },
    { kind: 'introspect', maxAge: 10 },
  ];
  expect(ownDeclarations(Orders.prototype, 'list')).toEqual(expected);
  expect(ownDeclarations(Orders.prototype.list)).toEqual(expected);
});
