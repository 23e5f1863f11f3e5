/** Every GraphQL operation has a context of its own, whatever object the application returns. */
import type { ModulesContainer } from '@nestjs/core';
import { separateContexts } from '../../../../lib/guard/graphql/separate-contexts.js';

type Make = (...args: readonly unknown[]) => unknown;
interface Options {
  context?: unknown;
  [option: string]: unknown;
}

function separate(...all: readonly object[]): readonly string[] {
  const modules = all.map((instance, index) => [
    String(index),
    { providers: new Map([['GqlModuleOptions', { instance }]]) },
  ]);
  return separateContexts(new Map(modules as never) as unknown as ModulesContainer);
}
/** What the driver calls. */
function makerOf(options: Options): Make {
  expect(separate(options)).toEqual([]);
  return options.context as Make;
}
const requestOf = () => ({ rawHeaders: ['host', 'a'] });

describe('a context', () => {
  it('that is made for each operation stays as it is', () => {
    const contexts: unknown[] = [];
    const make = makerOf({
      context: (...args: unknown[]) => {
        const context = { args };
        contexts.push(context);
        return context;
      },
    });
    const [first, second] = [requestOf(), requestOf()];
    expect([make({ req: first }), make(second, 'reply')]).toEqual(contexts);
    expect(make({ req: first })).toBe(contexts[2]);
    expect(contexts).toEqual([
      { args: [{ req: first }] },
      { args: [second, 'reply'] },
      { args: [{ req: first }] },
    ]);
  });

  it('that requests share is that of the first, and copied for the others', () => {
    class Shared {
      readonly loader = {};
    }
    const shared = new Shared();
    const make = makerOf({ context: shared });
    const [first, second] = [requestOf(), requestOf()];
    expect(make({ req: first })).toBe(shared);
    expect(make({ req: first })).toBe(shared);
    const own = make({ req: second });
    expect(own).not.toBe(shared);
    expect(own).toBeInstanceOf(Shared);
    expect(own).toEqual(shared);
    expect((own as Shared).loader).toBe(shared.loader);
    expect(make({ req: second })).not.toBe(own);
  });

  it.each(['req', 'request'])('does not have the %s of another caller', (name) => {
    const [first, second] = [requestOf(), requestOf()];
    const shared: Record<string, unknown> = { [name]: first, other: 1 };
    const make = makerOf({ context: () => shared });
    // Also where it is made for the first time.
    expect(make({ req: second })).toEqual({ other: 1 });
    expect(shared[name]).toBe(first);
    const mine = { [name]: second, headers: first };
    const again = makerOf({ context: () => mine });
    expect(again({ req: second })).toBe(mine);
  });

  it('is told apart by what was received, however it is wrapped', () => {
    const received = ['host', 'a'];
    const node = { rawHeaders: received };
    const shared = {};
    const make = makerOf({ context: shared });
    for (const wrapped of [
      node,
      { raw: node },
      { req: node },
      { extra: { request: node } },
      { req: { raw: node } },
    ])
      expect(make(wrapped)).toBe(shared);
    expect(make('first', { raw: { rawHeaders: [...received] } })).not.toBe(shared);
  });

  it('stays as it is where no request is among the arguments, or where it is no object', () => {
    const shared = {};
    const make = makerOf({ context: shared });
    for (const args of [[], [undefined], ['text'], [{}], [{ extra: 1, rawHeaders: 'a' }], [{ req: 'a' }]])
      for (let time = 0; time < 2; time++) expect(make(...args)).toBe(shared);
    const none = makerOf({ context: () => undefined });
    for (let time = 0; time < 2; time++) expect(none({ req: requestOf() })).toBeUndefined();
  });

  it('may come later', async () => {
    const shared = {};
    const make = makerOf({ context: () => Promise.resolve(shared) });
    expect(await make({ req: requestOf() })).toBe(shared);
    const own = make({ req: requestOf() });
    expect(own).toBeInstanceOf(Promise);
    expect(await own).not.toBe(shared);
  });

  it('is made as a method of its options', () => {
    const options: Options = {
      context(this: unknown) {
        return { self: this };
      },
    };
    expect(makerOf(options)({ req: requestOf() })).toEqual({ self: options });
  });
});

describe('the options', () => {
  it('are wrapped once', () => {
    const options: Options = { context: () => ({}) };
    const make = makerOf(options);
    separate(options);
    expect(options.context).toBe(make);
  });

  it('of subscriptions are wrapped, too', () => {
    const own = (): object => ({});
    const mercurius = { subscription: { context: own } };
    const apollo = { subscriptions: { 'graphql-ws': { context: own } } };
    expect(separate(mercurius, apollo)).toEqual([]);
    expect(mercurius.subscription.context).not.toBe(own);
    expect(apollo.subscriptions['graphql-ws'].context).not.toBe(own);
  });

  it('without a context stay as they are', () => {
    for (const options of [
      {},
      { context: 'text' },
      { subscription: true },
      { subscriptions: { 'graphql-ws': true } },
    ]) {
      const before = structuredClone(options);
      expect(separate(options)).toEqual([]);
      expect(options).toEqual(before);
    }
  });

  it('that are frozen are a problem, where they have a context', () => {
    const problem =
      'GraphQLModule: the options are frozen, so requests could share a context; do not freeze them';
    expect(separate({ context: () => ({}) }, Object.freeze({ context: {} }))).toEqual([problem]);
    expect(separate(Object.freeze({ path: '/graphql' }))).toEqual([]);
  });
});
