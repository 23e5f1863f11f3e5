/**
 * The table of docs/decorators.md, read from there, against every combination of decorators in its four places: none or one
 * in each, and every two in one of them.
 */
import { readFileSync } from 'node:fs';
import {
  AnyScope,
  CertBound,
  ConfigurationError,
  DPoPBound,
  Groups,
  Introspect,
  OptionalAuth,
  Public,
  RequireClaims,
  Scopes,
  StepUp,
} from 'nestjs-resource-server';
import { readRoutePolicy, type RoutePolicy } from '../../../lib/policy/route-policy.js';
import { requiredBy } from '../../support/required-by.js';

const PLACES = ['handler', 'overridden handler', 'class', 'base class'] as const;
type Place = (typeof PLACES)[number];

const REQUIREMENTS = ['Scopes', 'Groups', 'CertBound', 'DPoPBound', 'Introspect'] as const;
const KINDS = ['Public', 'OptionalAuth', ...REQUIREMENTS] as const;
/** Requirements, too; combined with one of each kind of cell only. */
const OTHERS = ['AnyScope', 'StepUp', 'RequireClaims'] as const;
type Kind = (typeof KINDS | typeof OTHERS)[number];
type Declared = Readonly<Record<Place, readonly Kind[]>>;

/** Different in each place, so that nothing is lost in the merging. */
const decoratorOf = (kind: Kind, place: Place): ClassDecorator & MethodDecorator => {
  switch (kind) {
    case 'Public':
      return Public();
    case 'OptionalAuth':
      return OptionalAuth();
    case 'Scopes':
      return Scopes(scopeOf(place));
    case 'Groups':
      return Groups(place);
    case 'CertBound':
      return CertBound();
    case 'DPoPBound':
      return DPoPBound();
    case 'Introspect':
      return Introspect({ maxAge: maxAgeOf(place) });
    case 'AnyScope':
      return AnyScope(scopeOf(place), 'other');
    case 'StepUp':
      return StepUp({ maxAge: maxAgeOf(place) });
    case 'RequireClaims':
      return RequireClaims({ place });
  }
};
const scopeOf = (place: Place): string => place.replace(' ', ':');
const maxAgeOf = (place: Place): number => (PLACES.indexOf(place) + 1) * 10;

/** @param inherited the handler stands in the base class, and nothing overrides it */
function policyOf(declared: Declared, inherited = false): RoutePolicy | 'does not start' {
  class Base {
    handle(): void {}
  }
  class Derived extends Base {}
  if (!inherited) Object.defineProperty(Derived.prototype, 'handle', { value: () => undefined });
  const decorateMethod = (target: object, place: Place): void => {
    const descriptor = Object.getOwnPropertyDescriptor(target, 'handle');
    if (!descriptor) throw new Error('no such method');
    for (const kind of declared[place]) decoratorOf(kind, place)(target, 'handle', descriptor);
  };
  for (const kind of declared['base class']) decoratorOf(kind, 'base class')(Base);
  for (const kind of declared.class) decoratorOf(kind, 'class')(Derived);
  decorateMethod(inherited ? Base.prototype : Derived.prototype, 'handler');
  if (!inherited) decorateMethod(Base.prototype, 'overridden handler');
  try {
    return readRoutePolicy(Derived, Reflect.get(Derived.prototype, 'handle'));
  } catch (error) {
    if (error instanceof ConfigurationError) return 'does not start';
    throw error;
  }
}

const isRequirement = (kind: Kind): boolean =>
  ([...REQUIREMENTS, ...OTHERS] as readonly Kind[]).includes(kind);

/** The words of the table's cells. */
const FITS: Readonly<Record<string, (kinds: readonly Kind[]) => boolean>> = {
  anything: () => true,
  nothing: (kinds) => kinds.length === 0,
  '`@Public`': (kinds) => kinds.includes('Public'),
  '`@OptionalAuth`': (kinds) => kinds.includes('OptionalAuth'),
  '`@Public` and another': (kinds) => kinds.includes('Public') && kinds.length > 1,
  'an opening': (kinds) => !kinds.every(isRequirement),
  'a requirement': (kinds) => kinds.some(isRequirement),
};

const TABLE = readTable();

function readTable(): readonly { readonly cells: readonly string[]; readonly route: string }[] {
  const page = readFileSync('docs/decorators.md', 'utf8');
  const lines =
    /^\| handler \| overridden handler \| class \| base class \| the route \|\n\|[- |]+\|\n((?:\|.*\n)+)/m.exec(
      page,
    );
  const rows = (lines?.[1] ?? '').trim().split('\n');
  return rows.map((row) => {
    const [, ...cells] = row.split('|').map((cell) => cell.trim());
    return { cells: cells.slice(0, 4), route: cells[4] ?? '' };
  });
}

/** What the first row that fits says of the route; with what the sentence above the table says of its requirements. */
function expectedOf(declared: Declared): unknown {
  const row = TABLE.find(({ cells }) =>
    cells.every((cell, index) => FITS[cell]?.(declared[PLACES[index] ?? 'handler'])),
  );
  if (!row) throw new Error('no row of the table fits');
  if (row.route === 'does not start') return row.route;
  const asks = row.route !== 'public';
  const placesOf = (kind: Kind): Place[] => PLACES.filter((place) => asks && declared[place].includes(kind));
  return {
    access: row.route,
    // As a challenge names them: of each `@AnyScope` the first.
    scopes: [...placesOf('Scopes'), ...placesOf('AnyScope')].map(scopeOf).toSorted(),
    groups: placesOf('Groups').toSorted(),
    certificateBound: placesOf('CertBound').length > 0,
    dpopBound: placesOf('DPoPBound').length > 0,
    introspectMaxAge: placesOf('Introspect').map(maxAgeOf)[0],
    others: OTHERS.flatMap((kind) => placesOf(kind).map(() => `@${kind}()`)).toSorted(),
  };
}

function actualOf(policy: RoutePolicy | 'does not start'): unknown {
  if (policy === 'does not start') return policy;
  const { access, scopes, groups, certificateBound, dpopBound, introspectMaxAge } = requiredBy(policy);
  return {
    access,
    scopes: scopes.toSorted(),
    groups: groups.flatMap((each) => each.groups).toSorted(),
    certificateBound,
    dpopBound,
    introspectMaxAge,
    others: policy.requirements
      .map(({ decorator }) => decorator)
      .filter((name) => OTHERS.some((kind) => name === `@${kind}()`))
      .toSorted(),
  };
}

const NONE_OR_ONE: readonly (readonly Kind[])[] = [[], ...KINDS.map((kind) => [kind])];
const TWO: readonly (readonly Kind[])[] = KINDS.flatMap((kind, index) =>
  KINDS.slice(index + 1).map((other) => [kind, other]),
);

/** Every combination of one of the choices for each place. */
function* combine(choices: Readonly<Record<Place, readonly (readonly Kind[])[]>>): Generator<Declared> {
  for (const handler of choices.handler)
    for (const overridden of choices['overridden handler'])
      for (const ofClass of choices.class)
        for (const base of choices['base class'])
          yield { handler, 'overridden handler': overridden, class: ofClass, 'base class': base };
}

/** As many as differ from the table, at most ten of them. */
function mismatches(
  all: Iterable<Declared>,
  inherited = false,
): { readonly tried: number; readonly wrong: unknown[] } {
  const wrong: unknown[] = [];
  let tried = 0;
  for (const declared of all) {
    tried += 1;
    const [expected, actual] = [expectedOf(declared), actualOf(policyOf(declared, inherited))];
    if (wrong.length < 10 && JSON.stringify(actual) !== JSON.stringify(expected))
      wrong.push({ declared, expected, actual });
  }
  return { tried, wrong };
}

/** One of each kind of cell, for what stands beside two declarations. */
const BESIDE: readonly (readonly Kind[])[] = [[], ['Public'], ['OptionalAuth'], ['Scopes'], ['Introspect']];

const EVERYWHERE = {
  handler: NONE_OR_ONE,
  'overridden handler': NONE_OR_ONE,
  class: NONE_OR_ONE,
  'base class': NONE_OR_ONE,
};

describe('the table of docs/decorators.md', () => {
  it('can be read, and has no row that nothing comes to', () => {
    expect(TABLE.length).toBeGreaterThan(10);
    expect(TABLE.flatMap(({ cells }) => cells).filter((cell) => !(cell in FITS))).toEqual([]);
    const reached = new Set(
      [...combine({ ...EVERYWHERE, handler: [...NONE_OR_ONE, ...TWO] })].map((declared) =>
        TABLE.findIndex(({ cells }) =>
          cells.every((cell, index) => FITS[cell]?.(declared[PLACES[index] ?? 'handler'])),
        ),
      ),
    );
    // Rows 2 to 4 are about two declarations in the other places.
    expect(TABLE.map((_, index) => index).filter((index) => !reached.has(index))).toEqual([1, 2, 3]);
  });

  it('holds for none or one declaration in each place', () => {
    expect(mismatches(combine(EVERYWHERE))).toEqual({ tried: 8 ** 4, wrong: [] });
  });

  it.each(PLACES)('holds for two declarations in one place: %s', (place) => {
    const beside = { handler: BESIDE, 'overridden handler': BESIDE, class: BESIDE, 'base class': BESIDE };
    expect(mismatches(combine({ ...beside, [place]: TWO }))).toEqual({ tried: 21 * 5 ** 3, wrong: [] });
  });

  it.each(OTHERS)('holds for @%s in each place', (kind) => {
    const beside = { handler: BESIDE, 'overridden handler': BESIDE, class: BESIDE, 'base class': BESIDE };
    const all = PLACES.flatMap((place) => [...combine({ ...beside, [place]: [[kind], ['Public', kind]] })]);
    expect(mismatches(all)).toEqual({ tried: 4 * 2 * 5 ** 3, wrong: [] });
  });

  it('holds for a handler that is inherited', () => {
    const all = combine({ ...EVERYWHERE, handler: [...NONE_OR_ONE, ...TWO], 'overridden handler': [[]] });
    expect(mismatches(all, true)).toEqual({ tried: 29 * 8 ** 2, wrong: [] });
  });
});

describe('longer chains', () => {
  @Scopes('a')
  class First {
    @Scopes('x') handle(): void {}
    other(): void {}
  }

  it('are checked against every base class', () => {
    class Second extends First {}
    @OptionalAuth()
    class Third extends Second {}
    class Fourth extends Third {}
    expect(() => readRoutePolicy(Fourth, Fourth.prototype.other)).toThrow(
      'Third: @OptionalAuth() opens what @Scopes() on First protects; inheritance can add requirements, never remove them',
    );
  });

  it('are checked against every overridden method, whatever stands between', () => {
    class Second extends First {
      override handle(): void {}
    }
    class Third extends Second {
      @Public() override handle(): void {}
    }
    class Fourth extends Third {
      @Scopes('y') override handle(): void {}
    }
    expect(() => readRoutePolicy(Fourth, Fourth.prototype.handle)).toThrow(
      'Third.handle: @Public() opens what @Scopes() on First.handle protects',
    );
  });

  it('show a contradiction that a subclass covers', () => {
    @Public()
    @OptionalAuth()
    class Contradicting {
      handle(): void {}
    }
    @Scopes('a')
    class Covering extends Contradicting {}
    expect(() => readRoutePolicy(Covering, Covering.prototype.handle)).toThrow(
      'Contradicting: @Public() requires no token, @OptionalAuth() requires one',
    );
  });

  it('add up', () => {
    @Groups('b')
    class Second extends First {
      @CertBound() override handle(): void {}
    }
    @Scopes('c')
    class Third extends Second {
      @Scopes('z') override handle(): void {}
    }
    const { access, scopes, groups, certificateBound } = requiredBy(
      readRoutePolicy(Third, Third.prototype.handle),
    );
    expect([access, scopes.toSorted(), groups.length, certificateBound]).toEqual([
      'protected',
      ['a', 'c', 'x', 'z'],
      1,
      true,
    ]);
  });
});
