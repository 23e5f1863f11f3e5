/** Timers that outlive a request have nothing of it: not its stores, which they would keep and show to what they call. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { CachedDocument } from '../../../lib/timing/cached-document.js';
import { Expirations } from '../../../lib/timing/expirations.js';
import { outsideRequests } from '../../../lib/timing/outside-requests.js';

const storage = new AsyncLocalStorage<string>();

it('runs what it is given outside of the request, and what comes after in it', () => {
  const seen = storage.run('a request', () => [
    outsideRequests(() => storage.getStore()),
    storage.getStore(),
  ]);
  expect(seen).toEqual([undefined, 'a request']);
});

describe('outside of the request', () => {
  const seenBy = (timer: 'setTimeout' | 'setInterval'): (string | undefined)[] => {
    const seen: (string | undefined)[] = [];
    const start = globalThis[timer] as (...call: unknown[]) => NodeJS.Timeout;
    jest.spyOn(globalThis, timer).mockImplementation(((...call: unknown[]) => {
      seen.push(storage.getStore());
      return start(...call);
    }) as never);
    return seen;
  };
  afterEach(() => jest.restoreAllMocks());

  it('looks for connections whose token has ended', () => {
    const seen = seenBy('setInterval');
    const expirations = new Expirations(() => undefined);
    storage.run('a request', () => expirations.add({}, Date.now() / 1000 + 60));
    expirations.stop();
    expect(seen).toEqual([undefined]);
  });

  it.each<[string, () => Promise<string>]>([
    ['after it was fetched', () => Promise.resolve('keys')],
    ['after a failure', () => Promise.reject(new Error('down'))],
  ])('refreshes a document %s', async (_, load) => {
    const seen = seenBy('setTimeout');
    const nothing = (): void => undefined;
    const document = new CachedDocument(load, {
      freshFor: 300,
      staleFor: 1000,
      onFailure: nothing,
      onRecovery: nothing,
    });
    await storage.run('a request', async () => document.get()).catch(nothing);
    document.stop();
    expect(seen).toEqual([undefined]);
  });
});
