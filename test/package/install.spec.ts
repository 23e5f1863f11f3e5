/** Installation of a fresh clone: complete lock files, and a command that runs `npm ci` only where it has to. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface LockedPackage {
  readonly version: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const readLock = (folder: string): Readonly<Record<string, LockedPackage>> => {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  return lock.packages;
};

/** As Node.js finds a package: beside the one that needs it, or in a folder above. */
function isLocked(packages: Readonly<Record<string, LockedPackage>>, from: string, name: string): boolean {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(?:(?!node_modules).)*$/, '')) {
    if (packages[join(folder, 'node_modules', name).replaceAll('\\', '/')]) return true;
    if (folder === '') return false;
  }
}

describe.each(['.', 'bench', 'sample/monoshop/web'])('the lock file in %s', (folder) => {
  // `npm ci` refuses a lock file without the packages of other platforms.
  it('names the packages of every platform', () => {
    const packages = readLock(folder);
    const wanted = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).map((name) => [from, name] as const),
    );
    expect(wanted.length).toBeGreaterThan(0);
    expect(wanted.filter(([from, name]) => !isLocked(packages, from, name))).toEqual([]);
  });
});

describe('tools/install-dependencies.js', () => {
  let folder: string;
  let calls: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'install-'));
    calls = join(folder, 'calls');
    mkdirSync(join(folder, 'bin'));
    // An npm that only keeps what it was told.
    writeFileSync(
      join(folder, 'bin', 'npm'),
      `#!${process.execPath}\nrequire('node:fs').appendFileSync(${JSON.stringify(calls)}, process.argv.slice(2).join(' ') + '\\n');\n`,
    );
    chmodSync(join(folder, 'bin', 'npm'), 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = (script: string): readonly string[] => {
    execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, PATH: [join(folder, 'bin'), process.env['PATH']].join(delimiter) },
      stdio: 'pipe',
    });
    return existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
  };
  const imported = `import { installDependencies } from '${pathToFileURL('tools/install-dependencies.js').href}';`;
  const install = (): readonly string[] => run(`${imported} installDependencies(${JSON.stringify(folder)});`);

  const lock = (path: string, packages: object): void => {
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify({ packages: { '': {}, ...packages } }));
  };
  const wanted = {
    'node_modules/a': { version: '1.0.0' },
    'node_modules/for-another-platform': { version: '1.0.0', optional: true },
  };

  it('installs nothing by being imported', () => {
    expect(run(imported)).toEqual([]);
  });

  it('runs npm ci where nothing is installed', () => {
    lock('package-lock.json', wanted);
    expect(install()).toEqual([expect.stringMatching(/^ci /)]);
  });

  it.each([
    ['what the lock file names', '1.0.0', 0],
    ['another version', '1.0.1', 1],
  ])('of an installation of %s: %s, runs npm ci %i times', (_what, version, times) => {
    lock('package-lock.json', wanted);
    lock('node_modules/.package-lock.json', { 'node_modules/a': { version } });
    expect(install()).toHaveLength(times);
  });

  it('runs npm ci where a package is missing that is not optional', () => {
    lock('package-lock.json', wanted);
    lock('node_modules/.package-lock.json', {});
    expect(install()).toHaveLength(1);
  });
});
