import { jest } from '@jest/globals';
import { ProviderUnavailableError, type AuthError } from '../../../../lib/errors/auth.errors.js';
import { OpenStreams, type OpenStream } from '../../../../lib/guard/streams/open-streams.js';
import { advanceClock } from '../../../support/clock.js';
import { nowInSeconds } from '../../../support/tokens.js';

describe('OpenStreams', () => {
  let streams: OpenStreams;
  let ended: [string, string][];
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['Date', 'performance'] });
    streams = new OpenStreams({ clockSkew: 0, clockTolerance: 10 });
    ended = [];
  });
  afterEach(() => {
    streams.onModuleDestroy();
    jest.useRealTimers();
  });
  const open = (sub: string, exp: number | undefined): OpenStream => {
    const stream: OpenStream = {
      issuer: 'https://issuer.example',
      claims: { sub, exp } as never,
      end: (error: AuthError) => ended.push([sub, error.reason]),
    };
    streams.open(stream);
    return stream;
  };
  const pass = (seconds: number): void => {
    advanceClock(seconds);
    jest.advanceTimersByTime(1000);
  };

  it('ends a stream at exp + clockTolerance, and no other', () => {
    open('a', nowInSeconds() + 100);
    open('b', nowInSeconds() + 1000);
    open('c', undefined);
    pass(105);
    expect(ended).toEqual([]);
    pass(6);
    expect(ended).toEqual([['a', 'expired']]);
    expect(streams.size).toBe(2);
    pass(1_000_000_000);
    expect(ended).toEqual([
      ['a', 'expired'],
      ['b', 'expired'],
    ]);
  });

  it('counts the tolerance of the issuer of a token before that of the module', () => {
    const claims = { exp: nowInSeconds() + 100 } as never;
    const end = (name: string) => (error: AuthError) => void ended.push([name, error.reason]);
    streams.open({ issuer: 'a', claims, clockTolerance: 0, end: end('strict') });
    streams.open({ issuer: 'b', claims, clockTolerance: 300, end: end('lenient') });
    pass(101);
    expect(ended).toEqual([['strict', 'expired']]);
    pass(297);
    expect(ended).toHaveLength(1);
    pass(3);
    expect(ended).toHaveLength(2);
  });

  it('corrects the clock by its known error', () => {
    streams = new OpenStreams({ clockSkew: 60, clockTolerance: 0 });
    open('a', nowInSeconds() + 100);
    pass(150);
    expect(ended).toEqual([]);
    pass(12);
    expect(ended).toEqual([['a', 'expired']]);
  });

  it('does not end what has closed, or what has ended', () => {
    streams.close(open('a', nowInSeconds()));
    const stream = open('b', nowInSeconds());
    streams.endAll((each) => each === stream, new ProviderUnavailableError());
    streams.endAll((each) => each === stream, new ProviderUnavailableError());
    streams.close(stream);
    pass(1000);
    expect(ended).toEqual([['b', 'provider_unavailable']]);
    expect(streams.size).toBe(0);
  });

  it('ends those that a caller picks, also when ending one closes another', () => {
    const second = open('b', undefined);
    const first: OpenStream = { ...second, end: () => streams.close(second) };
    streams.open(first);
    streams.close(second);
    streams.open(second);
    open('c', undefined);
    streams.endAll(({ claims }) => claims.sub === 'b', new ProviderUnavailableError());
    expect(ended).toEqual([]);
    expect(streams.size).toBe(1);
  });

  it('ends nothing after the application has closed', () => {
    open('a', nowInSeconds());
    streams.onModuleDestroy();
    pass(1000);
    expect(ended).toEqual([]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('revocations', () => {
  const revoked = new Set<unknown>();
  let learn: () => void;
  let streams: OpenStreams;
  let ended: unknown[];
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['Date', 'performance'] });
    revoked.clear();
    ended = [];
    streams = new OpenStreams({ clockSkew: 0, clockTolerance: 0 }, {
      covers: ({ sub }: { readonly sub?: string }) => revoked.has(sub),
      onLearned: (listener: () => void) => (learn = listener),
    } as never);
  });
  afterEach(() => {
    streams.onModuleDestroy();
    jest.useRealTimers();
  });
  const open = (sub: string): void =>
    streams.open({
      issuer: 'https://issuer.example',
      claims: { sub } as never,
      endsAt: 0,
      position: -1,
      end: ({ reason }: AuthError) => ended.push([sub, reason]),
    });

  it('end the streams of their tokens, and no other', () => {
    for (const sub of ['a', 'b']) open(sub);
    revoked.add('a');
    learn();
    jest.advanceTimersByTime(199);
    expect(ended).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(ended).toEqual([['a', 'revoked']]);
    expect(streams.size).toBe(1);
  });

  it('are looked at together, and again later', () => {
    open('a');
    open('b');
    revoked.add('a');
    learn();
    revoked.add('b');
    learn();
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(200);
    expect(ended).toEqual([
      ['a', 'revoked'],
      ['b', 'revoked'],
    ]);
    open('c');
    revoked.add('c');
    learn();
    jest.advanceTimersByTime(200);
    expect(ended.at(-1)).toEqual(['c', 'revoked']);
  });

  it('end a stream whose token was revoked after it was checked, and none whose token was not', () => {
    open('a');
    expect(jest.getTimerCount()).toBe(0);
    revoked.add('b');
    open('b');
    jest.advanceTimersByTime(200);
    expect(ended).toEqual([['b', 'revoked']]);
  });

  it('have nothing to do where nothing is open', () => {
    revoked.add('a');
    learn();
    expect(jest.getTimerCount()).toBe(0);
  });
});
