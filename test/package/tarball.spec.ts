/** What a user installs: the packed tarball holds what it should and nothing else. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

interface Packed {
  readonly files: readonly { readonly path: string; readonly mode: number }[];
}

describe('the packed tarball', () => {
  let paths: readonly string[];
  let modes: ReadonlyMap<string, number>;

  beforeAll(() => {
    // prepack builds first: what is packed is what is in lib/ now.
    const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { encoding: 'utf8' });
    const [packed] = JSON.parse(output.slice(output.indexOf('[\n'))) as [Packed];
    paths = packed.files.map(({ path }) => path);
    modes = new Map(packed.files.map(({ path, mode }) => [path, mode]));
  }, 120_000);

  it('holds the build, its types and the papers', () => {
    expect(paths).toEqual(
      expect.arrayContaining([
        'dist/index.js',
        'dist/index.d.ts',
        'dist/auth.guard.js',
        'package.json',
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'SECURITY.md',
      ]),
    );
  });

  it('holds no sources, tests, samples or tools', () => {
    expect(paths.filter((path) => !/^(dist|docs)\/|^[A-Z]+(\.md)?$|^package\.json$/.test(path))).toEqual([]);
    expect(paths.filter((path) => /\.(spec|tsbuildinfo|map)/.test(path))).toEqual([]);
  });

  it('exports files that are there', () => {
    const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: unknown };
    const targets = JSON.stringify(exports).match(/\.\/[^"*]+\.(json|js|d\.ts)/g) ?? [];
    expect(targets.length).toBeGreaterThan(2);
    for (const target of targets) expect([target, existsSync(target)]).toEqual([target, true]);
  });

  it('has a command that runs', () => {
    const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> };
    const command = bin['nestjs-resource-server'] ?? '';
    expect(modes.get(command.replace('./', ''))).toBe(0o755);
    expect(execFileSync(command, ['--help'], { encoding: 'utf8' })).toMatch(/^Usage:/);
  });

  it('names tests in SECURITY.md that are there', () => {
    const named = new Set(readFileSync('SECURITY.md', 'utf8').match(/test\/[\w/.-]+\.ts/g));
    expect(named.size).toBeGreaterThan(20);
    expect([...named].filter((path) => !existsSync(path))).toEqual([]);
  });

  it('keeps the documentation in the types', () => {
    expect(readFileSync('dist/token/judge-claims.d.ts', 'utf8')).toContain('@default 300');
    expect(readFileSync('dist/route/scopes.decorator.d.ts', 'utf8')).toContain('RFC 6749 section 3.3');
  });
});
