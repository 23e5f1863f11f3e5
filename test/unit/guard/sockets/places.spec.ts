/** Where gateways listen, and what a connection to each place requires. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { CertBound, OptionalAuth, Public, Scopes } from 'nestjs-resource-server';
import {
  findGateways,
  handlersOf,
  makePlace,
  normalizeNamespace,
  normalizePath,
} from '../../../../lib/guard/sockets/places.js';
import { readClassPolicy, type RoutePolicy } from '../../../../lib/policy/route-policy.js';

class Chat {
  send(): void {}
  helper(): void {}
}
class Plain {}

function gateway(target: object, metadata: Readonly<Record<string, unknown>> = {}): void {
  for (const [key, value] of Object.entries({ 'websockets:is_gateway': true, ...metadata }))
    Reflect.defineMetadata(key, value, target);
}
gateway(Chat, { port: 3001, 'websockets:gateway_options': { path: '/events/', namespace: 'chat' } });
Reflect.defineMetadata('websockets:message_mapping', true, Chat.prototype.send);
Reflect.defineMetadata('message', 'say', Chat.prototype.send);

const modulesOf = (...providers: readonly object[]): ModulesContainer => {
  const wrappers = providers.map(
    (each, index) => [String(index), { isNotMetatype: false, ...each }] as const,
  );
  return new Map([['', { providers: new Map(wrappers) }]]) as unknown as ModulesContainer;
};

describe('findGateways', () => {
  it('finds a gateway, and where it listens', () => {
    const found = { metatype: Chat, instanceClass: Chat, port: 3001, path: '/events', namespace: '/chat' };
    const modules = modulesOf(
      { metatype: Plain, instance: new Plain() },
      { metatype: Chat, instance: new Chat() },
    );
    expect(findGateways(modules)).toEqual([found]);
  });

  it('listens at the port of the application, at the root, where nothing is said', () => {
    class Bare {}
    gateway(Bare, { port: '3001' });
    expect(findGateways(modulesOf({ metatype: Bare, instance: undefined }))).toEqual([
      { metatype: Bare, instanceClass: Bare, port: 0, path: '/', namespace: '/' },
    ]);
  });

  it('knows the class of the instance, where a constructor makes another one', () => {
    class Swapped {}
    const [found] = findGateways(modulesOf({ metatype: Chat, instance: new Swapped() }));
    expect([found?.metatype, found?.instanceClass]).toEqual([Chat, Swapped]);
  });

  it('finds none in what is provided otherwise', () => {
    class Spoiled {}
    gateway(Spoiled, { 'websockets:is_gateway': 'yes' });
    const object = {};
    gateway(object);
    for (const metatype of [Plain, Spoiled, object, undefined, null])
      expect(findGateways(modulesOf({ metatype, instance: {} }))).toEqual([]);
    expect(findGateways(modulesOf({ metatype: Chat, instance: new Chat(), isNotMetatype: true }))).toEqual(
      [],
    );
    expect(findGateways(modulesOf())).toEqual([]);
    const [empty, full] = [modulesOf(), modulesOf({ metatype: Chat, instance: new Chat() })];
    const both = new Map([...empty].map(([, each]) => ['empty', each] as const));
    for (const [key, each] of full) both.set(key as never, each);
    expect(findGateways(both as unknown as ModulesContainer)).toHaveLength(1);
  });
});

it.each<[unknown, string]>([
  ['/events/', '/events'],
  ['events', '/events'],
  ['//a/b//', '/a/b'],
  ['/', '/'],
  ['', '/'],
  [undefined, '/'],
  [7, '/'],
])('the path %p is %s', (path, expected) => {
  expect(normalizePath(path)).toBe(expected);
});

it('a namespace is a path, or a pattern that is itself', () => {
  for (const none of [undefined, null, '']) expect(normalizeNamespace(none)).toBe('/');
  expect(normalizeNamespace('chat/')).toBe('/chat');
  const pattern = /^\/room-\d+$/;
  expect(normalizeNamespace(pattern)).toBe(pattern);
});

describe('makePlace', () => {
  @Scopes('a')
  class Scoped {}
  @CertBound()
  class Bound {}
  @Public()
  class Open {}
  @OptionalAuth()
  class Optional {}
  const application = {};
  const make = (
    policies: readonly RoutePolicy[],
    hasProtectedHandlers = false,
    metatype: typeof Open = Open,
  ) =>
    makePlace(
      { name: '/chat', application },
      [{ metatype, instanceClass: metatype, port: 0, path: '/', namespace: '/' }],
      policies,
      hasProtectedHandlers,
    );

  it('has the requirements of all gateways that are there', () => {
    const place = make([readClassPolicy(Scoped), readClassPolicy(Bound)]);
    expect(place).toMatchObject({ name: '/chat', metatype: Open, keepsRequest: false });
    expect(place.application).toBe(application);
    expect(place.policy).toMatchObject({ access: 'protected', certificateBound: true });
    expect(place.policy.requirements).toHaveLength(1);
  });

  it('keeps the request where it is public, and handlers need it', () => {
    const keeps = (gatewayClass: typeof Open, hasProtected: boolean): boolean =>
      make([readClassPolicy(gatewayClass)], hasProtected).keepsRequest;
    expect(keeps(Open, true)).toBe(true);
    expect(keeps(Open, false)).toBe(false);
    expect(keeps(Optional, true)).toBe(false);
    expect(keeps(Scoped, true)).toBe(false);
  });

  it('has a class of its own where no gateway is', () => {
    expect(makePlace({ name: '/', application }, [], [], false).metatype.name).toBe('NoGateway');
  });
});

describe('handlersOf', () => {
  it('finds the methods for messages, inherited and overridden ones', () => {
    class Base {
      first(): void {}
      second(): void {}
      get size(): number {
        return 0;
      }
    }
    class Derived extends Base {
      override second(): void {}
      third(): void {}
    }
    const handles = (handler: object, message: unknown): void => {
      Reflect.defineMetadata('websockets:message_mapping', true, handler);
      Reflect.defineMetadata('message', message, handler);
    };
    handles(Base.prototype.first, 'first');
    handles(Base.prototype.second, 'second');
    handles(Derived.prototype.second, { cmd: 'second' });
    expect(handlersOf(Derived)).toEqual([
      { property: 'second', message: '{"cmd":"second"}', handler: Derived.prototype.second },
      { property: 'first', message: 'first', handler: Base.prototype.first },
    ]);
    expect(handlersOf(Chat)).toEqual([{ property: 'send', message: 'say', handler: Chat.prototype.send }]);
  });

  it('finds none where the override is no handler, but what it overrides is', () => {
    class Derived extends Chat {
      override send(): void {}
    }
    expect(handlersOf(Derived)).toEqual([{ property: 'send', message: 'say', handler: Chat.prototype.send }]);
  });

  it('finds none on what is no class, and does not take the constructor for one', () => {
    class Odd {}
    Reflect.defineMetadata('websockets:message_mapping', true, Odd);
    expect(handlersOf(Odd)).toEqual([]);
    for (const prototype of [undefined, null, () => undefined])
      expect(handlersOf({ prototype } as never)).toEqual([]);
  });
});
