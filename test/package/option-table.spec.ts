/** The table of options in docs/options.md matches the code. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

describe('the table of options', () => {
  it('is what tools/option-table.js generates', () => {
    execFileSync(process.execPath, ['tools/option-table.js', '--check'], { stdio: 'pipe' });
  }, 60_000);

  it('has a row for each variable', () => {
    const settings = readFileSync('lib/options/settings.ts', 'utf8');
    const [declared = ''] = /VARIABLES[^{]*\{[^}]*\}/.exec(settings) ?? [];
    const variables = [...declared.matchAll(/'([A-Z_]+)'/g)].map(([, name = '']) => name);
    expect(variables.length).toBeGreaterThan(20);
    const page = readFileSync('docs/options.md', 'utf8');
    expect(variables.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
