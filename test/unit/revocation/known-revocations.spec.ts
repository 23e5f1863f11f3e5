/** What an instance knows: found by claims, bounded, forgotten in time, and in step with a store that misses and loses. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { KnownRevocations } from '../../../lib/revocation/known-revocations.js';
import { MemoryRevocationStore } from '../../../lib/revocation/memory-revocation-store.js';
import { REVOCATION_CHANNEL, type RevocationEvent } from '../../../lib/revocation/revocation-events.js';
import type { Revocation } from '../../../lib/revocation/revocation.js';
import type {
  RevocationListener,
  RevocationStore,
  RevocationStoreObserver,
} from '../../../lib/revocation/revocation-store.js';
import { endOf } from '../../../lib/revocation/token-revocations.js';
import type { AccessTokenClaims } from '../../../lib/token/access-token-claims.js';
import { advanceClock } from '../../support/clock.js';

const DAY = 86_400;
const now = (): number => Date.now() / 1000;
let ids = 0;
const revocation = (members: Partial<Revocation> = {}): Revocation => ({
  id: `id-${ids++}`,
  match: { sub: 'u1' },
  before: now(),
  until: now() + 600,
  ...members,
});
const claims = (members: Partial<AccessTokenClaims> = {}): AccessTokenClaims => ({
  iss: 'https://issuer.example',
  sub: 'u1',
  iat: now() - 60,
  ...members,
});
const log = { warn: () => undefined };
const make = (store: RevocationStore = new MemoryRevocationStore(), max?: number): KnownRevocations =>
  new KnownRevocations(store, { clockSkew: 0 }, log, max);

/** Tells its observer what a test wants it to. */
class Observed implements RevocationStore {
  listed: Revocation[] = [];
  added: string[] = [];
  lists = 0;
  observer: RevocationStoreObserver | undefined;
  listener: RevocationListener | undefined;

  add({ id }: Revocation): boolean {
    this.added.push(id);
    return true;
  }
  list(): readonly Revocation[] {
    this.lists++;
    return this.listed;
  }
  subscribe(listener: RevocationListener, observer?: RevocationStoreObserver): () => void {
    this.observer = observer;
    this.listener = listener;
    return () => undefined;
  }
}

describe('KnownRevocations', () => {
  const started: KnownRevocations[] = [];
  const start = async (known: KnownRevocations): Promise<KnownRevocations> => {
    started.push(known);
    await known.start();
    return known;
  };
  afterEach(async () => {
    await Promise.all(started.splice(0).map((known) => known.stop()));
  });

  it.each<[string, Partial<Revocation>, Partial<AccessTokenClaims>, boolean]>([
    ['another issuer', { issuer: 'https://other.example' }, {}, false],
    ['the issuer with a slash', { issuer: 'https://issuer.example/' }, {}, true],
    ['no sid, for tokens without', { withoutSid: true }, {}, true],
    ['no sid, for tokens with one', { withoutSid: true }, { sid: 's1' }, false],
    ['no sid, for tokens whose sid is empty', { withoutSid: true }, { sid: '' }, true],
    ['a sid or none', { match: { sub: 'u1', sid: 's1' }, withoutSid: true }, {}, true],
    [
      'a sid or none, and another',
      { match: { sub: 'u1', sid: 's1' }, withoutSid: true },
      { sid: 's2' },
      false,
    ],
    ['user and session', { match: { sub: 'u1', sid: 's1' } }, { sid: 's1' }, true],
    ['user and session of another', { match: { sub: 'u2', sid: 's1' } }, { sid: 's1' }, false],
    ['a claim that is a list', { match: { email: 'a@b.c' } }, { email: ['a@b.c'] }, false],
    ['cid', { match: { clientId: 'c1' } }, { cid: 'c1' }, true],
    ['iat of a fraction before', { before: 1000.5 }, { iat: 1000.4 }, true],
    ['iat of a fraction after', { before: 1000.5 }, { iat: 1000.6 }, false],
  ])('compares %s', async (_, members, of, expected) => {
    const known = make();
    await known.add(revocation(members));
    expect(known.covers(claims(of))).toBe(expected);
  });

  it('keeps one of those that concern the same tokens, with the latest times', async () => {
    const known = make();
    const time = now();
    await known.add(revocation({ before: time - 500, until: time + 900 }));
    await known.add(revocation({ before: time - 100, until: time + 100 }));
    await known.add(revocation({ before: time - 300 }));
    expect(known.size).toBe(1);
    expect([known.covers(claims({ iat: time - 100 })), known.covers(claims({ iat: time - 99 }))]).toEqual([
      true,
      false,
    ]);
    advanceClock(800);
    expect(known.covers(claims({ iat: time - 100 }))).toBe(true);
  });

  it('rejects at the limit, drops none that counts, and goes on when some are over', async () => {
    const known = make(new MemoryRevocationStore(), 2);
    await known.add(revocation({ match: { sub: 'u1' }, until: now() + 1000 }));
    await known.add(revocation({ match: { sub: 'u2' }, until: now() + 100 }));
    expect(known.isDegraded).toBe(true);
    await expect(known.add(revocation({ match: { sub: 'u3' } }))).rejects.toMatchObject({
      status: 503,
      detail: 'the limit of 2 revocations is reached',
    });
    expect(['u1', 'u2', 'u3'].map((sub) => known.covers(claims({ sub })))).toEqual([true, true, false]);
    advanceClock(101);
    expect(known.isDegraded).toBe(false);
    await known.add(revocation({ match: { sub: 'u3' } }));
    expect(['u1', 'u2', 'u3'].map((sub) => known.covers(claims({ sub, iat: 1 })))).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('lists again what it may have missed, and gives back what the store has lost', async () => {
    const store = new Observed();
    const known = await start(make(store));
    const own = revocation({ match: { sub: 'u2' } });
    await known.add(own);
    expect([store.lists, store.added]).toEqual([1, [own.id]]);
    store.listed = [revocation({ match: { sub: 'u3' } })];
    store.observer?.failed(new Error('gone'));
    expect(known.isDegraded).toBe(true);
    store.observer?.recovered();
    while (known.isDegraded) await new Promise((resolve) => setImmediate(resolve));
    expect([known.covers(claims({ sub: 'u3' })), store.added]).toEqual([true, [own.id, own.id]]);
  });

  it('lists a store that takes no observer again and again', async () => {
    const memory = new MemoryRevocationStore();
    const store: RevocationStore = {
      add: (each) => memory.add(each),
      list: () => memory.list(),
      // Cut off: it never says anything.
      subscribe: (_listener) => () => undefined,
    };
    const known = await start(make(store));
    memory.add(revocation());
    while (!known.covers(claims())) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it('does not wait for a store that hangs', async () => {
    const hanging = new Promise<never>(() => undefined);
    const store: RevocationStore = { add: () => hanging, list: () => [], subscribe: () => () => undefined };
    const known = await start(make(store));
    await expect(known.add(revocation())).rejects.toMatchObject({ code: 'revocation_store_unavailable' });
    expect([known.covers(claims()), known.isDegraded]).toEqual([true, true]);
  });

  it('publishes what it learns, once, and how long it took', async () => {
    const events: RevocationEvent[] = [];
    const note = (event: unknown): void => void events.push(event as RevocationEvent);
    subscribe(REVOCATION_CHANNEL, note);
    const store = new Observed();
    const known = await start(make(store));
    const own = revocation();
    await known.add(own);
    store.listener?.(own, 0.1);
    store.listener?.(revocation({ match: { sub: 'u2' } }), 0.2);
    unsubscribe(REVOCATION_CHANNEL, note);
    expect(events).toEqual([
      { origin: 'here', known: 1, lag: undefined },
      { origin: 'store', known: 2, lag: 0.2 },
    ]);
  });
});

describe('MemoryRevocationStore', () => {
  it('takes an id once while it counts, and drops none that does for another', () => {
    const store = new MemoryRevocationStore(2);
    const [one, two] = [revocation({ until: now() + 10 }), revocation()];
    expect([store.add(one), store.add(one), store.add(two)]).toEqual([true, false, true]);
    expect(() => store.add(revocation())).toThrow('the revocation store is full');
    advanceClock(11);
    expect([store.add(one), store.list()]).toEqual([true, [two]]);
  });

  it('tells every subscriber, until it has gone', () => {
    const store = new MemoryRevocationStore();
    const heard: string[] = [];
    const listen = ({ id }: Revocation): void => void heard.push(id);
    const [first] = [store.subscribe(listen), store.subscribe(listen)];
    const [one, two] = [revocation(), revocation()];
    store.add(one);
    first();
    store.add(two);
    expect(heard).toEqual([one.id, one.id, two.id]);
  });
});

describe('endOf', () => {
  it('counts the largest tolerance: tokens of that issuer are good for as long', () => {
    const times = { revocationDuration: DAY, clockSkew: 0, clockTolerance: 30 };
    const before = now();
    expect(endOf(before, times) - before).toBeCloseTo(DAY + 30, 0);
    const issuers = [{ clockTolerance: 10 }, { clockTolerance: 300 }];
    expect(endOf(before, { ...times, issuers }) - before).toBeCloseTo(DAY + 300, 0);
  });
});
