/** The methods of controllers that Nest makes message handlers of. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import {
  findMessagePatterns,
  functionsOf,
  isEventHandler,
  isMessageHandler,
  type MessagePattern,
} from '../../../../lib/guard/rpc/message-patterns.js';

/** `PatternHandler` of `@nestjs/microservices`. */
const [MESSAGE, EVENT] = [1, 2];

const handles =
  (type: number, patterns: unknown): MethodDecorator =>
  (_target, _property, { value }) => {
    Reflect.defineMetadata('microservices:handler_type', type, value as object);
    Reflect.defineMetadata('microservices:pattern', patterns, value as object);
  };

class Orders {
  @handles(MESSAGE, ['orders.find']) find(): void {}
  @handles(EVENT, ['order.placed', { topic: 'orders' }, null]) placed(): void {}
  @handles(MESSAGE, [{ rpc: 'Call', streaming: 'pt_stream' }, { rpc: 'Unary' }]) call(): void {}
  @handles(MESSAGE, [{ rpc: 'Stream', streaming: 'rx_stream' }]) stream(): void {}
  @handles(MESSAGE, 'no list') spoiled(): void {}
  helper(): void {}
}
Reflect.defineMetadata('microservices:pattern', ['half'], Orders.prototype.helper);

function find(metatype: unknown, instance: unknown, isStatic = true): readonly MessagePattern[] {
  const wrapper = { metatype, instance, isDependencyTreeStatic: () => isStatic };
  const modules = new Map([['', { controllers: new Map([['', wrapper]]) }]]);
  return findMessagePatterns(modules as unknown as ModulesContainer);
}

describe('findMessagePatterns', () => {
  it('finds the handlers of a controller, and what each of them is', () => {
    const instance = new Orders();
    const found = find(Orders, instance);
    expect(
      found.map(({ property, isEvent, isPassedThrough }) => [property, isEvent, isPassedThrough]),
    ).toEqual([
      ['find', false, false],
      ['placed', true, false],
      ['call', false, true],
      ['stream', false, false],
    ]);
    expect(found[0]).toEqual({
      metatype: Orders,
      property: 'find',
      handler: Orders.prototype.find,
      instance,
      isPerMessage: false,
      patterns: ['orders.find'],
      isEvent: false,
      isPassedThrough: false,
    });
  });

  it('says where each message has an instance of its own', () => {
    expect(find(Orders, undefined, false).map(({ isPerMessage }) => isPerMessage)).toEqual(
      Array(4).fill(true),
    );
  });

  it('finds nothing in what is no class', () => {
    for (const metatype of [
      undefined,
      null,
      {},
      () => undefined,
      Object.assign(() => 0, { prototype: 'none' }),
    ])
      expect(find(metatype, {})).toEqual([]);
  });
});

describe('functionsOf', () => {
  it('are the declared function, and the one that is called', () => {
    const bound = (): void => undefined;
    const functions = (instance: unknown): unknown => {
      const [first] = find(Orders, instance);
      return first && functionsOf(first);
    };
    const { find: declared } = Orders.prototype;
    expect(functions(new Orders())).toEqual([declared]);
    expect(functions({ find: bound })).toEqual([declared, bound]);
    for (const instance of [undefined, null, {}, { find: 'no function' }])
      expect(functions(instance)).toEqual([declared]);
  });
});

it('a handler of a message, and one of an event', () => {
  const { find: message, placed: event, helper } = Orders.prototype;
  expect([message, event, helper].map(isMessageHandler)).toEqual([true, true, false]);
  expect([message, event, helper].map(isEventHandler)).toEqual([false, true, false]);
});
