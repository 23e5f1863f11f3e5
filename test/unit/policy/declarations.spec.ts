/** Decorators refuse where they stand: with arguments that mean nothing, and on targets where they would protect nothing. */
import {
  CertBound,
  DPoPBound,
  Groups,
  Introspect,
  OptionalAuth,
  Public,
  Scopes,
} from 'nestjs-resource-server';
import { readRoutePolicy } from '../../../lib/policy/route-policy.js';

type AnyDecorator = (target: object, property?: unknown, descriptor?: unknown) => void;

const DECORATORS: readonly (readonly [name: string, decorator: () => ClassDecorator & MethodDecorator])[] = [
  ['@Scopes()', () => Scopes('a')],
  ['@Groups()', () => Groups('a')],
  ['@CertBound()', CertBound],
  ['@DPoPBound()', DPoPBound],
  ['@Introspect()', Introspect],
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
  ])('throws on %s', (_, [target, ...rest]) => {
    expect(() => decorate(target as object, ...rest)).toThrow(TypeError);
    expect(() => decorate(target as object, ...rest)).toThrow(`${name} on `);
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
