/** What a claim must be: a value, one of a list, a parameter of the route, or what a function accepts. */
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import type { Denial } from '../../../../lib/access/requirement.js';
import {
  ClaimsRequirement,
  RequireClaims,
  type ClaimCondition,
} from '../../../../lib/access/requirements/require-claims.js';
import { TokenError } from '../../../../lib/errors/auth.errors.js';
import { contextWith, declaredBy, tokenWith } from '../../../support/requirements.js';

type Conditions = Readonly<Record<string, ClaimCondition>>;

const check = (
  conditions: Conditions,
  claims: Record<string, unknown>,
  params: Record<string, unknown> = {},
): Denial | Promise<Denial> =>
  new ClaimsRequirement(conditions).check(tokenWith(claims), contextWith({ params }));
const holds = (
  conditions: Conditions,
  claims: Record<string, unknown>,
  params?: Record<string, unknown>,
): boolean => check(conditions, claims, params) === undefined;

/** Another class of promises, as some database libraries have. */
const OtherPromise = runInNewContext('Promise') as PromiseConstructor;

describe('a value', () => {
  it.each<[condition: ClaimCondition, claim: unknown]>([
    ['pro', 'pro'],
    ['pro', ['free', 'pro']],
    [7, 7],
    [0, 0],
    [true, true],
    [false, false],
    [false, [false]],
    ['', ''],
    [['pro', 'team'], 'team'],
    [
      ['pro', 'team'],
      ['free', 'pro'],
    ],
  ])('%j is in %j', (condition, claim) => {
    expect(holds({ claim: condition }, { claim })).toBe(true);
  });

  it.each<[condition: ClaimCondition, claim: unknown]>([
    ['pro', 'free'],
    ['pro', 'professional'],
    ['pro', ['free', 'trial']],
    ['pro', [['pro']]],
    ['pro', []],
    ['pro', { pro: true }],
    ['pro', undefined],
    [7, '7'],
    ['7', 7],
    [true, 'true'],
    [true, 1],
    [false, undefined],
    [false, null],
    ['', undefined],
    [['pro', 'team'], 'free'],
    [['pro', 'team'], 'pro,team'],
  ])('%j is not in %j', (condition, claim) => {
    expect(holds({ claim: condition }, { claim })).toBe(false);
  });

  it('is that of a claim of the token itself, by its own name', () => {
    expect(holds({ 'a.b': 1 }, { 'a.b': 1 })).toBe(true);
    expect(holds({ 'a.b': 1 }, { a: { b: 1 } })).toBe(false);
    const claims = Object.assign(Object.create({ inherited: 'yes' }) as object, { own: 'yes' });
    const token = tokenWith({});
    const inherited = Object.create(token, { claims: { value: claims } }) as typeof token;
    const checkIn = (name: string): unknown =>
      new ClaimsRequirement({ [name]: 'yes' }).check(inherited, contextWith());
    expect(checkIn('own')).toBeUndefined();
    expect(checkIn('inherited')).toBeInstanceOf(TokenError);
  });
});

describe('a parameter of the route', () => {
  const conditions = { tenant: { param: 'id' } };

  it.each<[id: unknown, tenant: unknown]>([
    ['acme', 'acme'],
    ['acme', ['other', 'acme']],
    ['7', 7],
    ['7', [6, 7]],
    ['7', '7'],
    ['', ''],
  ])('%j is in %j', (id, tenant) => {
    expect(holds(conditions, { tenant }, { id })).toBe(true);
  });

  it.each<[id: unknown, tenant: unknown]>([
    ['acme', 'other'],
    ['acme', 'acme.example'],
    ['acme', ['other']],
    ['true', true],
    ['null', null],
    ['undefined', undefined],
    [undefined, undefined],
    [undefined, 'undefined'],
    [7, 7],
    [['acme'], [['acme']]],
    [['acme'], 'acme'],
    ['07', 7],
  ])('%j is not in %j', (id, tenant) => {
    expect(holds(conditions, { tenant }, { id })).toBe(false);
  });

  it('is one that the route has, by its own name', () => {
    expect(holds(conditions, { tenant: 'acme' }, { other: 'acme' })).toBe(false);
    const inherited = Object.create({ id: 'acme' }) as Record<string, unknown>;
    expect(holds(conditions, { tenant: 'acme' }, inherited)).toBe(false);
  });
});

describe('a function', () => {
  it('is asked with the claim and all claims', () => {
    const asked: unknown[] = [];
    const note = (...args: unknown[]): boolean => asked.push(args) > 0;
    expect(holds({ sub: note, missing: note, toString: note }, { sub: 'ann' })).toBe(true);
    expect(asked).toEqual([
      ['ann', { sub: 'ann' }],
      [undefined, { sub: 'ann' }],
      [undefined, { sub: 'ann' }],
    ]);
  });

  it.each([false, 1, 'true', {}, undefined, null])('does not hold with %p', async (answer) => {
    expect(holds({ sub: () => answer as never }, {})).toBe(false);
    for (const made of [Promise.resolve(answer), OtherPromise.resolve(answer)])
      await expect(check({ sub: () => made as never }, {})).resolves.toBeInstanceOf(TokenError);
  });

  it('holds with true, also where that is waited for', async () => {
    expect(holds({ sub: () => true }, {})).toBe(true);
    for (const made of [Promise.resolve(true), OtherPromise.resolve(true)])
      await expect(check({ sub: () => made }, {})).resolves.toBeUndefined();
  });

  it('is not hushed up where it throws', async () => {
    const fault = new Error('the database is down');
    const throws = (): never => {
      throw fault;
    };
    expect(() => check({ sub: throws }, {})).toThrow(fault);
    await expect(check({ sub: () => Promise.reject(fault) }, {})).rejects.toBe(fault);
    await expect(check({ sub: () => OtherPromise.reject(fault) }, {})).rejects.toBe(fault);
  });
});

describe('several conditions', () => {
  const later = (answer: boolean) => (): Promise<boolean> => Promise.resolve(answer);
  const claimOf = async (conditions: Conditions, claims: Record<string, unknown> = {}): Promise<unknown> =>
    (await check(conditions, claims))?.detail;
  const lacks = (claim: string): string => `the claim "${claim}" does not satisfy the route`;

  it('must each hold, and the first that does not is named', async () => {
    expect(await claimOf({ a: 1, b: 2 }, { a: 1, b: 2 })).toBeUndefined();
    expect(await claimOf({ a: 1, b: 2 }, { b: 2 })).toBe(lacks('a'));
    expect(await claimOf({ a: 1, b: 2 }, { a: 1 })).toBe(lacks('b'));
    expect(await claimOf({ a: later(true), b: later(true) })).toBeUndefined();
    expect(await claimOf({ a: later(true), b: later(false), c: later(false) })).toBe(lacks('b'));
    expect(await claimOf({ a: later(false), b: later(true) })).toBe(lacks('a'));
  });

  it('are decided without waiting where one that needs no waiting does not hold', () => {
    const forever = (): Promise<boolean> => new Promise(() => undefined);
    expect(check({ a: forever, b: 2 }, {})).toMatchObject({
      code: 'insufficient_claims',
      detail: lacks('b'),
    });
  });

  it('leave no rejection unhandled where they are decided without it', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const rejects = (): Promise<boolean> => Promise.reject(new Error('the database is down'));
    expect(check({ a: rejects, b: rejects, c: 2 }, {})).toBeInstanceOf(TokenError);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('asks nothing after the first that does not hold', () => {
    let asked = 0;
    expect(holds({ a: 1, b: () => ++asked > 0 }, {})).toBe(false);
    expect(asked).toBe(0);
  });
});

it.each<[conditions: Conditions, said: string]>([
  [{ plan: 'pro' }, 'claim plan = pro'],
  [{ plan: ['pro', 'team'], verified: true }, 'claims plan = pro or team, verified = true'],
  [{ tenant: { param: 'id' } }, 'claim tenant = :id'],
  [{ age: () => true, level: 7 }, 'claims age (checked by the application), level = 7'],
])('%p is described: %s', (conditions, said) => {
  expect(new ClaimsRequirement(conditions).describe()).toBe(said);
});

describe('@RequireClaims()', () => {
  it('names the parameters that it reads', () => {
    const { params } = new ClaimsRequirement({ a: { param: 'x' }, b: 'y', c: ['z'], d: { param: 'w' } });
    expect(params).toEqual(['x', 'w']);
  });

  it.each<[condition: ClaimCondition, anew: boolean]>([
    ['pro', false],
    [['pro'], false],
    [{ param: 'id' }, true],
    [() => true, true],
  ])('with %p is checked anew for every request: %p', (condition, anew) => {
    expect(new ClaimsRequirement({ first: 1, claim: condition, last: true }).isVolatile).toBe(anew);
  });

  it('keeps what it was told', () => {
    const conditions: Record<string, ClaimCondition> = { plan: 'pro' };
    const requirement = declaredBy(RequireClaims(conditions));
    conditions['plan'] = 'free';
    expect(requirement.describe(contextWith().groupOptions)).toBe('claim plan = pro');
  });

  it.each<[name: string, condition: unknown]>([
    ['an empty text', ''],
    ['zero', 0],
    ['a negative number', -1.5],
    ['false', false],
    ['a list of all kinds', ['a', 1, false]],
    ['a parameter', { param: 'id' }],
    ['a function', () => true],
  ])('takes %s', (_, condition) => {
    expect(() => RequireClaims({ claim: condition as ClaimCondition })).not.toThrow();
  });

  it.each([undefined, {}])('refuses %p', (conditions) => {
    expect(() => RequireClaims(conditions as unknown as Conditions)).toThrow(
      new TypeError('@RequireClaims() needs at least one claim'),
    );
  });

  it.each(
    [
      undefined,
      null,
      NaN,
      Infinity,
      1n,
      Symbol('s'),
      [],
      ['a', null],
      [NaN],
      [{ param: 'id' }],
      {},
      { param: '' },
      { param: 7 },
      { param: 'id', or: 1 },
    ].map((condition) => [inspect(condition), condition] as const),
  )('refuses %s, between others that it takes', (_, condition) => {
    expect(() => RequireClaims({ first: 1, claim: condition as never, last: 1 })).toThrow(
      new TypeError(
        '@RequireClaims(): "claim" is not compared with a value, a list, { param } or a function',
      ),
    );
  });

  it('refuses a claim without a name', () => {
    expect(() => RequireClaims({ '': 1 })).toThrow('@RequireClaims(): "" is not compared with');
  });
});
