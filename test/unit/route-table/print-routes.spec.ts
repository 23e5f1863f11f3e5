/** How does the table read where routes are unusual? */
import { printMarkdown, printText } from '../../../lib/route-table/print-routes.js';
import { sortEntries, unprotectedEntry, type RouteEntry } from '../../../lib/route-table/route-entry.js';

const entry = (parts: Partial<RouteEntry>): RouteEntry => ({
  ...unprotectedEntry({ method: 'GET', path: '/', handler: undefined }),
  access: 'protected',
  ...parts,
});

describe('printMarkdown', () => {
  it('has columns for versions and hosts only where there are some', () => {
    expect(printMarkdown([entry({})])).toBe(
      '| method | path | requires | handler |\n| --- | --- | --- | --- |\n| `GET` | `/` | any valid token | |\n',
    );
    expect(printMarkdown([entry({ version: 'neutral', host: 'a.example' })])).toContain(
      '| `GET` | `/` | neutral | `a.example` | any valid token | |\n',
    );
  });

  it('keeps a path with a bar in one cell', () => {
    expect(printMarkdown([entry({ path: '/(a|b)' })])).toContain(String.raw`| ${'`/(a\\|b)`'} |`);
  });

  it('is a header alone where there are no routes', () => {
    expect(printMarkdown([])).toBe('| method | path | requires | handler |\n| --- | --- | --- | --- |\n');
  });
});

describe('printText', () => {
  it('aligns columns, with no space at the end of a line', () => {
    expect(
      printText([
        entry({ method: 'DELETE', handler: 'C.remove', introspectMaxAge: 0 }),
        entry({ path: '/longer', access: 'optional' }),
      ]),
    ).toBe(
      [
        'method  path     requires          handler',
        'DELETE  /        introspected now  C.remove',
        'GET     /longer  optional token',
        '',
      ].join('\n'),
    );
  });
});

describe('sortEntries', () => {
  it('has one order, whichever the routes came in', () => {
    const entries = ['/b', '/a', '/A', '/a/b'].flatMap((path) =>
      ['POST', 'GET'].flatMap((method) => ['2', '1'].map((version) => entry({ path, method, version }))),
    );
    const sorted = sortEntries(entries);
    expect(sortEntries(entries.toReversed())).toEqual(sorted);
    expect(sorted.map(({ path }) => path).filter((path, i, all) => path !== all[i - 1])).toEqual([
      '/A',
      '/a',
      '/a/b',
      '/b',
    ]);
    expect(sorted.slice(0, 3).map(({ method, version }) => `${method} ${version}`)).toEqual([
      'GET 1',
      'GET 2',
      'POST 1',
    ]);
  });
});
