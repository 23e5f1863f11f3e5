/** Finds GraphQL servers with vulnerabilities that a guard cannot mitigate, for a warning at start-up. SECURITY.md lists them. */
import { readFileSync } from 'node:fs';
import Module from 'node:module';
import { dirname, join } from 'node:path';

interface Advisory {
  readonly name: string;
  readonly id: string;
  /** The first version that is not vulnerable. */
  readonly fixedIn: string;
  readonly about: string;
}

const ADVISORIES: readonly Advisory[] = [
  {
    name: '@apollo/server',
    id: 'GHSA-9q82-xgwf-vj6h',
    fixedIn: '5.5.0',
    about: 'its protection against cross-site requests can be bypassed if tokens are sent in cookies',
  },
  {
    name: 'mercurius',
    id: 'GHSA-m4h2-mjfm-mp55',
    fixedIn: '16.8.0',
    about: 'queryDepth does not apply to subscriptions',
  },
];

/** @param versionOf returns `undefined` for a package that is not installed */
export function vulnerableDrivers(versionOf = installedVersion): readonly string[] {
  return ADVISORIES.flatMap(({ name, id, fixedIn, about }) => {
    const version = versionOf(name);
    if (version === undefined || !isBefore(version, fixedIn)) return [];
    return [`${name} ${version}: ${about} (${id}); use ${fixedIn} or later`];
  });
}

/** Returns the version that the application resolves from its working directory. */
function installedVersion(name: string): string | undefined {
  try {
    // `createRequire` is not imported by name, because webpack would try to replace it. In a bundle, no package is found.
    const require = Module.createRequire(join(process.cwd(), 'package.json'));
    for (let folder = dirname(require.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
      const found = read(join(folder, 'package.json'));
      if (found?.name === name) return found.version;
    }
  } catch {
    // Not installed there.
  }
  return undefined;
}

function read(file: string): { readonly name?: string; readonly version?: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
  } catch {
    return undefined;
  }
}

/** Compares versions by number. A pre-release counts as its release. */
function isBefore(version: string, other: string): boolean {
  const [a = [], b = []] = [version, other].map((each) => each.split(/[-.+]/).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
