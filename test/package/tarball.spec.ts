/** What a user installs: the packed tarball holds what it should and nothing else. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** As a user's test file would, without any runner. */
const SCRIPT = `
import { TestIssuer } from '${pathToFileURL('dist/testing/index.js').href}';
const issuer = await TestIssuer.start();
await (await fetch(issuer.issuer + '/jwks')).json();
if (process.argv.includes('--close')) await issuer.close();
if (process.argv.includes('--twice')) await issuer.close();
const findOpen = () => process.getActiveResourcesInfo().filter((each) => /TCP|Timeout/.test(each));
// What fetch kept for its next call hears of the end in a moment.
for (let turn = 0; turn < 1000 && findOpen().length > 0; turn++) await new Promise(setImmediate);
console.log(issuer.token().split('.').length, JSON.stringify(findOpen()));
`;

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
        'dist/guard/auth.guard.d.ts',
        'dist/testing/index.js',
        'dist/testing/index.d.ts',
        'dist/schematics/collection.json',
        'dist/schematics/index.cjs',
        'dist/schematics/nest-add.json',
        'dist/schematics/protect.json',
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
    const help = execFileSync(command, ['--help'], { encoding: 'utf8' });
    expect(help).toMatch(/^Usage:/);
    for (const name of ['doctor', 'explain', 'audit', 'issuer', 'migrate'])
      expect(help).toContain(`nestjs-resource-server ${name} `);
  });

  it('has an issuer for development that starts', async () => {
    const child = spawn(process.execPath, ['dist/cli/main.js', 'issuer', '--port', '0'], { stdio: 'pipe' });
    const ended = once(child, 'exit');
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    await Promise.race([once(child.stdout, 'data'), ended]);
    child.kill();
    expect(await ended).toEqual([0, null]);
    expect(text).toContain('FOR DEVELOPMENT ONLY');
  });

  it('publishes types that need no package that an application may lack', () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync('package.json', 'utf8'),
    ) as {
      dependencies: object;
      peerDependencies: object;
      peerDependenciesMeta?: Record<string, { optional?: boolean }>;
    };
    const optional = (name: string): boolean => peerDependenciesMeta?.[name]?.optional === true;
    const there = [...Object.keys(dependencies), ...Object.keys(peerDependencies)].filter(
      (name) => !optional(name),
    );
    const imported = paths
      .filter((path) => path.endsWith('.d.ts'))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/(?:from |import\(|import )['"]([^'".][^'"]*)['"]/g)].map(
          ([, from = '']) => ({ file, from }),
        ),
      );
    expect(imported.length).toBeGreaterThan(20);
    const missing = imported.filter(
      ({ from }) =>
        !from.startsWith('node:') && !there.some((name) => from === name || from.startsWith(`${name}/`)),
    );
    expect(missing).toEqual([]);
  });

  it('has ES modules of few files, which import what is declared, and the license of what is inside', () => {
    const modules = paths.filter((path) => path.startsWith('dist/') && /^(?!.*\/cjs\/).*\.js$/.test(path));
    expect(modules).toEqual(
      expect.arrayContaining(['dist/observability/opentelemetry.js', 'dist/cli/main.js']),
    );
    expect(modules.length).toBeLessThan(16);
    const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      'dependencies' | 'peerDependencies',
      object
    >;
    const there = [...Object.keys(dependencies), ...Object.keys(peerDependencies), '@opentelemetry/api'];
    const imported = modules.flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\b(?:from|import\(?) ?"([^".\s][^"\s]*)"/g)].map(
        ([, name = '']) => name,
      ),
    );
    expect(imported).toEqual(expect.arrayContaining(['@nestjs/common', 'lru-cache', 'undici/index.js']));
    const isThere = (name: string): boolean =>
      name.startsWith('node:') || there.some((each) => name === each || name.startsWith(`${each}/`));
    expect(imported.filter((name) => !isThere(name))).toEqual([]);
    expect(readFileSync('dist/THIRD-PARTY-LICENSES.md', 'utf8')).toMatch(
      /^## zod .*^Permission is hereby granted/ms,
    );
  });

  it('has a command line that loads no Nest', () => {
    const reached = new Set(['dist/cli/main.js']);
    for (const file of reached) {
      const text = readFileSync(file, 'utf8');
      expect([file, /\b(?:from|import\(?) ?"@nestjs\//.test(text)]).toEqual([file, false]);
      for (const [, target = ''] of text.matchAll(/\b(?:from|import\(?) ?"(\.[^"]+)"/g))
        reached.add(join(dirname(file), target));
    }
    expect(reached.size).toBeGreaterThan(1);
  });

  it('has a CommonJS build with what `require` cannot load inside, and its licenses', () => {
    const required = paths
      .filter((path) => /^dist\/cjs\/.*\.js$/.test(path))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name),
      );
    expect(required).toEqual(expect.arrayContaining(['@nestjs/common', 'lru-cache', 'reflect-metadata']));
    expect(required.filter((name) => ['jose', 'oauth4webapi', 'zod'].includes(name))).toEqual([]);
    expect(readFileSync('dist/cjs/THIRD-PARTY-LICENSES.md', 'utf8')).toMatch(
      /^## jose .*^Permission is hereby granted.*^## oauth4webapi .*^## zod /ms,
    );
  });

  it('offers each entry point to all who may ask: import, require, and resolution without exports', () => {
    const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
      exports: Record<string, string | Record<string, unknown>>;
      typesVersions: { '*': Record<string, string[]> };
    };
    const { '.': root, ...others } = Object.fromEntries(
      Object.entries(manifest.exports).filter(([, entry]) => typeof entry === 'object'),
    );
    for (const entry of [root, ...Object.values(others)]) {
      expect(Object.keys(entry ?? {})).toEqual(['import', 'module-sync', 'require']);
    }
    const named = Object.keys(others).map((name) => name.slice('./'.length));
    expect(Object.keys(manifest.typesVersions['*'])).toEqual(named);
  });

  it('names tests in SECURITY.md that are there', () => {
    const named = new Set(readFileSync('SECURITY.md', 'utf8').match(/test\/[\w/.-]+\.ts/g));
    expect(named.size).toBeGreaterThan(20);
    expect([...named].filter((path) => !existsSync(path))).toEqual([]);
  });

  it('keeps the documentation in the types', () => {
    expect(readFileSync('dist/token/check-claims.d.ts', 'utf8')).toContain('@default 300');
    expect(readFileSync('dist/access/requirements/scopes.d.ts', 'utf8')).toContain('RFC 6749 section 3.3');
  });

  it.each([
    ['closed', ['--close'], /^3 \[\]$/],
    ['closed twice', ['--close', '--twice'], /^3 \[\]$/],
    ['forgotten', [], /^3 /],
  ])('lets a process end whose test issuer was %s', async (_how, flags, output) => {
    const child = spawn(process.execPath, ['--input-type=module', '-', ...flags], { stdio: 'pipe' });
    child.stdin.end(SCRIPT);
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    child.stderr.on('data', (chunk) => (text += String(chunk)));
    const [code] = (await once(child, 'exit')) as [number];
    expect(text.trim()).toMatch(output);
    expect(code).toBe(0);
  });
});
