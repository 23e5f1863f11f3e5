/** The handlers that are not HTTP routes, and whether `@UseGuards()` has the guard run for them. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { UseGuards } from '@nestjs/common';
import { AuthGuard } from '../../../lib/guard/auth.guard.js';
import { GuardCoverage } from '../../../lib/guard/guard-coverage.js';
import { MessageHandlers, type MessageHandler } from '../../../lib/guard/message-handlers.js';
import { declares } from '../../../lib/policy/declarations.js';

const MESSAGE = 'websockets:message_mapping';
const PATTERN = 'microservices:pattern';
const RESOLVER = 'graphql:resolver_type';

const marked =
  (key: string): MethodDecorator =>
  (_target, _property, { value }) =>
    Reflect.defineMetadata(key, true, value as object);
const gateway: ClassDecorator = (target) => Reflect.defineMetadata('websockets:is_gateway', true, target);

interface Wrapper {
  readonly metatype: unknown;
  readonly instance: unknown;
  readonly isNotMetatype?: boolean;
  readonly isStatic?: boolean;
}

const instanceOf = (metatype: new () => object): Wrapper => ({ metatype, instance: new metatype() });

function read(
  controllers: readonly Wrapper[],
  providers: readonly Wrapper[] = [],
): readonly MessageHandler[] {
  const mapOf = (wrappers: readonly Wrapper[]) =>
    new Map(
      wrappers.map(({ isStatic = true, ...wrapper }, index) => [
        index,
        { ...wrapper, isDependencyTreeStatic: () => isStatic },
      ]),
    );
  const module = { controllers: mapOf(controllers), providers: mapOf(providers) };
  const guards = new GuardCoverage({} as never, {} as never, false);
  return new MessageHandlers(new Map([['', module]]) as unknown as ModulesContainer, guards).read();
}

const namesOf = (handlers: readonly MessageHandler[]): readonly string[] =>
  handlers.map(({ kind, name }) => `${kind} ${name}`);
const guardsOf = (handlers: readonly MessageHandler[]): unknown =>
  Object.fromEntries(
    handlers.map(({ name, isGuardedLocally, hasLostGuard }) => [name, [isGuardedLocally, hasLostGuard]]),
  );

@gateway
class ChatGateway {
  @marked(MESSAGE) send(): void {}
  @marked(PATTERN) pattern(): void {}
  helper(): void {}
}
class NoGateway {
  @marked(MESSAGE) send(): void {}
}
class OrdersResolver {
  @declares({ kind: 'public' }) @marked(RESOLVER) orders(): void {}
}
class EventsController {
  @marked(PATTERN) placed(): void {}
  @marked(MESSAGE) send(): void {}
  @marked(RESOLVER) orders(): void {}
  /** Nest listens to the pattern. It ignores the other decorator: a controller is no gateway. */
  @marked(MESSAGE) @marked(PATTERN) both(): void {}
  list(): void {}
}

describe('message handlers', () => {
  it('are the patterns of controllers', () => {
    expect(namesOf(read([instanceOf(EventsController)]))).toEqual([
      'rpc EventsController.placed',
      'rpc EventsController.both',
    ]);
  });

  it('are the messages of gateways and the resolvers, of providers', () => {
    const providers = [ChatGateway, NoGateway, OrdersResolver].map(instanceOf);
    expect(namesOf(read([], providers))).toEqual(['ws ChatGateway.send', 'graphql OrdersResolver.orders']);
  });

  it('have their policies', () => {
    const handlers = read([instanceOf(EventsController)], [instanceOf(OrdersResolver)]);
    expect(handlers.map(({ policy }) => policy.access)).toEqual(['protected', 'protected', 'public']);
  });

  it('are none of what a factory or a value provides', () => {
    expect(read([], [{ ...instanceOf(ChatGateway), isNotMetatype: true }])).toEqual([]);
    const factory = (): void => undefined;
    for (const metatype of [undefined, null, {}, factory, Object.assign(() => 0, { prototype: 'none' })])
      expect(read([{ metatype, instance: undefined }], [{ metatype, instance: {} }])).toEqual([]);
  });
});

describe('@UseGuards(AuthGuard)', () => {
  class Controller {
    @UseGuards(AuthGuard) @marked(PATTERN) guarded(): void {}
    @marked(PATTERN) open(): void {}
  }
  @UseGuards(AuthGuard)
  class Guarded {
    @marked(PATTERN) placed(): void {}
  }

  it('guards the handlers that it stands on, and those of the class that it stands on', () => {
    expect(guardsOf(read([instanceOf(Controller), instanceOf(Guarded)]))).toEqual({
      'Controller.guarded': [true, false],
      'Controller.open': [false, false],
      'Guarded.placed': [true, false],
    });
  });

  it('is lost where another function is called', () => {
    const instance = new Controller();
    instance.guarded = () => undefined;
    expect(guardsOf(read([{ metatype: Controller, instance }]))).toEqual({
      'Controller.guarded': [false, true],
      'Controller.open': [false, false],
    });
  });

  it('counts where it stands on the called function alone only if it stands on the declared one, too', () => {
    const instance = new Controller();
    instance.open = Controller.prototype.guarded;
    expect(guardsOf(read([{ metatype: Controller, instance }]))).toMatchObject({
      'Controller.open': [false, false],
    });
  });

  it('counts where the instance has no function in the place of the method', () => {
    const instance = { guarded: 'no method' };
    expect(guardsOf(read([{ metatype: Controller, instance }]))).toMatchObject({
      'Controller.guarded': [true, false],
    });
  });

  it('on a method does not count where each message has an instance of its own; on the class it does', () => {
    for (const instance of [undefined, null]) {
      const wrappers = [Controller, Guarded].map((metatype) => ({ metatype, instance, isStatic: false }));
      expect(guardsOf(read(wrappers))).toEqual({
        'Controller.guarded': [false, true],
        'Controller.open': [false, false],
        'Guarded.placed': [true, false],
      });
    }
  });

  it('on a class does not count where its constructor makes instances of another', () => {
    const instance = Object.assign(Object.create({ constructor: Controller }) as object, {
      placed: Guarded.prototype.placed,
    });
    expect(guardsOf(read([{ metatype: Guarded, instance }]))).toEqual({ 'Guarded.placed': [false, true] });
  });
});
