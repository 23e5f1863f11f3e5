/** Each sample is an application of its own when it is copied: it declares what it imports, and reaches for nothing outside of itself. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

interface Manifest {
  readonly version: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

const root = readManifest('.');
const samples = readdirSync('sample').filter((name) => existsSync(join('sample', name, 'start.ts')));

function listSources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const { name } = entry;
    const path = join(folder, name);
    // The front end of MonoShop has a package.json of its own.
    if (entry.isDirectory()) return ['node_modules', 'dist', 'web'].includes(name) ? [] : listSources(path);
    return name.endsWith('.ts') ? [path] : [];
  });
}

const readImports = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export|\})(?:.* from)? '([^']+)';$/gm)].map(
    ([, specifier = '']) => specifier,
  );

const nameOfPackage = (specifier: string): string =>
  specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** The packages that these files load, also through sample/support. */
function listPackages(files: readonly string[]): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of readImports(file)) {
      if (specifier.startsWith('node:')) continue;
      if (specifier.startsWith('#support/')) visit(join('sample', specifier.slice(1).replace(/js$/, 'ts')));
      else if (specifier.startsWith('.'))
        visit(normalize(join(dirname(file), specifier.replace(/js$/, 'ts'))));
      else packages.add(nameOfPackage(specifier));
    }
  };
  for (const file of files) visit(file);
  return packages;
}

describe.each(samples)('sample/%s', (name) => {
  const folder = join('sample', name);
  const { dependencies, devDependencies, engines } = readManifest(folder);
  const sources = listSources(folder);

  it('declares every package that it imports', () => {
    const declared = Object.keys({ ...dependencies, ...devDependencies });
    expect([...listPackages(sources)].filter((each) => !declared.includes(each))).toEqual([]);
  });

  it('has the versions that the repository tests', () => {
    const { 'nestjs-resource-server': own, ...others } = { ...dependencies, ...devDependencies };
    const tested = { ...root.devDependencies, ...root.dependencies };
    expect(own).toBe(`^${root.version}`);
    expect(others).toEqual(Object.fromEntries(Object.keys(others).map((each) => [each, tested[each]])));
    expect(engines).toEqual(root.engines);
  });

  it('imports nothing outside of its folder, but by #support', () => {
    const outside = sources.flatMap((file) =>
      readImports(file).filter(
        (specifier) =>
          specifier.startsWith('.') && !normalize(join(dirname(file), specifier)).startsWith(`${folder}/`),
      ),
    );
    expect(outside).toEqual([]);
  });

  it('has an application that names no path above its own', () => {
    const applications = sources.filter((file) => /[\\/](\w+-)?api[\\/]/.test(file));
    expect(applications.length).toBeGreaterThan(0);
    for (const file of applications) {
      expect([file, readFileSync(file, 'utf8').includes('../../..')]).toEqual([file, false]);
    }
  });

  it('says how it is copied', () => {
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(readme).toContain(`cp -r sample/${name} my-${name}`);
    expect(readme).toContain(`cp -r sample/support my-${name}/support`);
  });
});

it('sample/support declares nothing: what copies it does', () => {
  expect(existsSync('sample/support/package.json')).toBe(false);
  expect(samples.length).toBeGreaterThan(8);
});
