/** Interceptor and filter stand on message handlers before Nest registers them. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { MessageWatch } from '../../../../lib/guard/rpc/message-watch.js';
import { REFUSED_MESSAGE_FILTER } from '../../../../lib/guard/rpc/refused-messages.filter.js';
import { REPLY_INTERCEPTOR } from '../../../../lib/guard/rpc/streamed-replies.js';

const INTERCEPTORS = '__interceptors__';
const FILTERS = '__exceptionFilters__';
const OTHER = { other: true };

function handles(target: object, type: number, pattern: unknown): void {
  Reflect.defineMetadata('microservices:handler_type', type, target);
  Reflect.defineMetadata('microservices:pattern', [pattern], target);
}

function makeController() {
  class Orders {
    find(): void {}
    placed(): void {}
    call(): void {}
    plain(): void {}
  }
  handles(Orders.prototype.find, 1, 'find');
  handles(Orders.prototype.placed, 2, 'placed');
  handles(Orders.prototype.call, 1, { streaming: 'pt_stream' });
  return Orders;
}

const on = (target: object): unknown => [
  Reflect.getMetadata(INTERCEPTORS, target),
  Reflect.getMetadata(FILTERS, target),
];

describe('MessageWatch', () => {
  const GLOBAL = [{ catch: () => undefined }];

  function watch(metatype: new () => object, instance: unknown = new metatype(), isStatic = true) {
    const wrapper = { metatype, instance, isDependencyTreeStatic: () => isStatic };
    const modules = new Map([['', { controllers: new Map([['', wrapper]]) }]]);
    const config = {
      getGlobalFilters(this: unknown) {
        expect(this).toBe(config);
        return GLOBAL;
      },
    };
    const watching = new MessageWatch(config, modules as unknown as ModulesContainer);
    return { config, watching };
  }

  it('begins when Nest asks for the global filters, which it gets', () => {
    const Orders = makeController();
    const { config } = watch(Orders);
    expect(on(Orders.prototype.find)).toEqual([undefined, undefined]);
    expect(config.getGlobalFilters()).toBe(GLOBAL);
    expect(on(Orders.prototype.find)).toEqual([[REPLY_INTERCEPTOR], undefined]);
  });

  it('puts the interceptor on what is answered, the filter on what is passed through, and nothing on events', () => {
    const Orders = makeController();
    watch(Orders).watching.begin();
    const { find, placed, call, plain } = Orders.prototype;
    expect([find, placed, call, plain].map(on)).toEqual([
      [[REPLY_INTERCEPTOR], undefined],
      [undefined, undefined],
      [undefined, [REFUSED_MESSAGE_FILTER]],
      [undefined, undefined],
    ]);
  });

  it('puts the interceptor before the others, and the filter behind them, each once', () => {
    const Orders = makeController();
    const { find, call } = Orders.prototype;
    Reflect.defineMetadata(INTERCEPTORS, [OTHER], find);
    Reflect.defineMetadata(FILTERS, [OTHER], call);
    // Another application of the process has the same class.
    for (let time = 0; time < 2; time++) watch(Orders).watching.begin();
    expect(on(find)).toEqual([[REPLY_INTERCEPTOR, OTHER], undefined]);
    expect(on(call)).toEqual([undefined, [OTHER, REFUSED_MESSAGE_FILTER]]);
  });

  it('puts them on the called function, too, and on the class where each message has an instance', () => {
    const Orders = makeController();
    const bound = (): void => undefined;
    watch(Orders, { find: bound }).watching.begin();
    for (const each of [Orders.prototype.find, bound])
      expect(on(each)).toEqual([[REPLY_INTERCEPTOR], undefined]);

    const PerMessage = makeController();
    watch(PerMessage, undefined, false).watching.begin();
    expect(on(PerMessage)).toEqual([[REPLY_INTERCEPTOR], [REFUSED_MESSAGE_FILTER]]);
    expect(on(PerMessage.prototype.find)).toEqual([undefined, undefined]);
  });

  it('begins once', () => {
    const Orders = makeController();
    const { config, watching } = watch(Orders);
    watching.begin();
    Reflect.deleteMetadata(INTERCEPTORS, Orders.prototype.find);
    config.getGlobalFilters();
    expect(on(Orders.prototype.find)).toEqual([undefined, undefined]);
  });
});
