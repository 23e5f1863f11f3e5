/** `@Sse()` responses end with the token that they were opened with. */
import 'reflect-metadata';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { EventEmitter } from 'node:events';
import { invalidToken } from '../../../../lib/errors/auth.errors.js';
import { OpenStreams } from '../../../../lib/guard/streams/open-streams.js';
import { endServerSentEvents, streamsEvents } from '../../../../lib/guard/streams/server-sent-events.js';

class Orders {
  events(): void {}
  list(): void {}
  spoiled(): void {}
}
Reflect.defineMetadata('__sse__', true, Orders.prototype.events);
Reflect.defineMetadata('__sse__', 'yes', Orders.prototype.spoiled);

class Response extends EventEmitter {
  destroyed = false;
  stream: { destroyed: boolean } | undefined;
  readonly seen: string[] = [];
  socket: { destroySoon(): void } | null = { destroySoon: () => this.seen.push('connection destroyed') };
  constructor(httpVersionMajor = 1) {
    super();
    this.req = { httpVersionMajor };
  }
  readonly req: { readonly httpVersionMajor: number };
  end(done: () => void): void {
    this.seen.push('ended');
    // As Node has it: the response that has ended does not know its socket any more.
    this.socket = null;
    done();
  }
}

it('a handler streams events where it says so', () => {
  const { events, list, spoiled } = Orders.prototype;
  for (let time = 0; time < 2; time++)
    expect([events, list, spoiled].map(streamsEvents)).toEqual([true, false, false]);
});

describe('the response', () => {
  let streams: OpenStreams;
  beforeEach(() => (streams = new OpenStreams({ clockSkew: 0, clockTolerance: 0 })));
  afterEach(() => streams.onModuleDestroy());

  const SUBSCRIBER = {
    issuer: 'https://issuer.example',
    claims: { sub: 'user-1' },
    endsAt: 0,
    position: -1,
  } as never;
  function open(response: unknown, method: keyof Orders = 'events', type = 'http'): void {
    const context = new ExecutionContextHost([{}, response], Orders, Orders.prototype[method]);
    context.setType(type);
    endServerSentEvents(context, streams, SUBSCRIBER);
  }
  const end = (): void => streams.endAll(() => true, invalidToken('revoked', 'for the test'));

  it.each<[string, (response: Response) => unknown]>([
    ['Express', (response) => response],
    ['Fastify', (response) => ({ raw: response })],
  ])('ends, and its connection with it: on %s', (_, wrap) => {
    const response = new Response();
    open(wrap(response));
    expect(streams.size).toBe(1);
    end();
    expect(response.seen).toEqual(['ended', 'connection destroyed']);
    // An event that comes too late.
    expect(() => response.emit('error', new Error('write after end'))).not.toThrow();
  });

  it('of HTTP/2 leaves the other streams of its connection alone', () => {
    const response = Object.assign(new Response(2), { stream: { destroyed: false } });
    open(response);
    end();
    expect(response.seen).toEqual(['ended']);
  });

  it('that has no connection any more ends all the same', () => {
    const response = Object.assign(new Response(), { socket: null });
    open(response);
    expect(end).not.toThrow();
    expect(response.seen).toEqual(['ended']);
  });

  it('is over when it closes', () => {
    const response = new Response();
    open(response);
    response.emit('close');
    expect(streams.size).toBe(0);
    end();
    expect(response.seen).toEqual([]);
  });

  it('is not watched where the client went away while the guard waited', () => {
    open(Object.assign(new Response(), { destroyed: true }));
    open(Object.assign(new Response(2), { stream: { destroyed: true } }));
    expect(streams.size).toBe(0);
  });

  it('is not watched of another handler, or of another kind of call', () => {
    open(new Response(), 'list');
    open(new Response(), 'events', 'graphql');
    expect(streams.size).toBe(0);
  });
});
