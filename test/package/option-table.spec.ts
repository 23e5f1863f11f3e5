/** The table of options in README.md says what the code says. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

describe('the table of options', () => {
  it('is what tools/option-table.js makes of the code', () => {
    execFileSync(process.execPath, ['tools/option-table.js', '--check'], { stdio: 'pipe' });
  }, 60_000);

  it('has a row for each variable', () => {
    const settings = readFileSync('lib/options/settings.ts', 'utf8');
    const [declared = ''] = /VARIABLES[^{]*\{[^}]*\}/.exec(settings) ?? [];
    const variables = [...declared.matchAll(/'([A-Z_]+)'/g)].map(([, name = '']) => name);
    expect(variables.length).toBeGreaterThan(20);
    const readme = readFileSync('README.md', 'utf8');
    expect(variables.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });
});
