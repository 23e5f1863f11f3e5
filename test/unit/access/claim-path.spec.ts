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
  ['', undefined],
  ['nothing', null],
  ['nothing.more', undefined],
  ['groups.length', undefined],
  ['list.0', undefined],
  ['toString', undefined],
  ['__proto__.toString', undefined],
  ['a["constructor"]', undefined],
])('%s', (path, found) => {
  expect(claimAt(claims, path)).toBe(found);
});
