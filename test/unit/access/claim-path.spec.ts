/** Which claim a path names. */
import { claimAt } from '../../../lib/access/claim-path.js';

const claims = {
  groups: 'own',
  'a.b': { c: 'longest', 'c.d': 'longest of all' },
  a: { b: { c: 'nested', e: 'nested only', 'f.g': 'dotted' } },
  'https://example.com/app.data': { roles: 'namespaced' },
  'with"quote': { "it's": 'quoted' },
  'odd[name': 'odd',
  'a.b.z': undefined,
  'x["y"].z': 'own',
  x: { y: { z: 'nested' }, '': { hidden: 'no' } },
  'x.': { hidden: 'no' },
  '': { hidden: 'no' },
  outer: { 'odd[name': { inner: 'odd' } },
  list: ['first'],
  nothing: null,
};

it.each<[path: string, found: unknown]>([
  ['groups', 'own'],
  ['a.b.c', 'longest'],
  ['a.b.c.d', 'longest of all'],
  ['a.b.e', 'nested only'],
  ['a.b.f.g', 'dotted'],
  ['["a"].b.c', 'nested'],
  ['a["b"].c', 'nested'],
  ['a["b"]["c"]', 'nested'],
  ["a['b']['f.g']", 'dotted'],
  ['["a.b"].c', 'longest'],
  ['["a"]["b.c"]', undefined],
  ['a["b.f"].g', undefined],
  ['https://example.com/app.data.roles', 'namespaced'],
  ['["https://example.com/app.data"].roles', 'namespaced'],
  [String.raw`["with\"quote"]["it's"]`, 'quoted'],
  ['odd[name', 'odd'],
  [String.raw`["\x"]`, undefined],
  ['a["b"', undefined],
  ['a["b"]c', undefined],
  ['a..b', undefined],
  ['a.', undefined],
  ['x["y"].z', 'own'],
  ['x["y"]["z"]', 'nested'],
  ['x["hidden"]', undefined],
  ['x.hidden', undefined],
  ['hidden', undefined],
  ['outer.odd[name.inner', 'odd'],
  ['[]', undefined],
  ['a.b.z', undefined],
  ['nothing', null],
  ['nothing.more', undefined],
  ['groups.length', undefined],
  ['list.0', undefined],
  ['toString', undefined],
  ['__proto__.toString', undefined],
  ['a["constructor"]', undefined],
])('the path %j', (path, found) => {
  expect(claimAt(claims, path)).toBe(found);
});

it('the empty path leads to the claim without a name', () => {
  expect(claimAt({ '': 'empty' }, '')).toBe('empty');
  expect(claimAt(claims, '')).toBe(claims['']);
  expect(claimAt({ a: 1 }, '')).toBeUndefined();
});
