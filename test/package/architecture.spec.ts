/** The order of the folders, and what the package needs to run: kept by reading every import in lib/. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const LIB = resolve('lib');
const FOLDERS = [
  'errors',
  'timing',
  'jose',
  'policy',
  'credentials',
  'issuer',
  'token',
  'introspection',
  'binding',
  'access',
  'principal',
  'revocation',
  'options',
  'validation',
  'calling',
  'transport',
  'guard',
  'route-table',
  'openapi',
  'resource-metadata',
  'receivers',
  'observability',
  '',
  'testing',
  'codemod',
  'schematics',
  'cli',
];

const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

const imports = files.flatMap((file) => {
  const source = readFileSync(join(LIB, file), 'utf8');
  return [...source.matchAll(/^(?:import|export)\s[^;]*?from '([^']+)';|^import '([^']+)';/gm)].map(
    (match) => ({
      file,
      typeOnly: /^(import|export) type /.test(match[0]),
      from: match[1] ?? match[2] ?? '',
    }),
  );
});

const EDITING = /^(?:codemod|schematics|cli\/migrate)\//;

const folderOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '');

describe('lib/', () => {
  it('reads imports at all', () => {
    expect(imports.length).toBeGreaterThan(80);
  });

  it('imports only from folders that come earlier, and never from index.ts', () => {
    const wrong = imports
      .filter(({ from }) => from.startsWith('.'))
      .map(({ file, from }) => ({ file, target: relative(LIB, resolve(LIB, dirname(file), from)) }))
      .filter(({ file, target }) => {
        const [own, other] = [FOLDERS.indexOf(folderOf(file)), FOLDERS.indexOf(folderOf(target))];
        return own === -1 || other === -1 || other > own || (target === 'index.js' && file !== 'index.ts');
      });
    expect(wrong).toEqual([]);
  });

  it('declares every package that it imports', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      'dependencies' | 'peerDependencies',
      Record<string, string>
    >;
    // tools/bundle.js puts it into the build.
    const bundled = ['zod'];
    const declared = new Set([...bundled, ...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
    const undeclared = imports
      .filter(({ from }) => !from.startsWith('.') && !from.startsWith('node:'))
      // The application's own compiler, loaded by the commands that edit its sources.
      .filter(({ from, typeOnly, file }) => !(from === 'typescript' && typeOnly && EDITING.test(file)))
      .map(({ from }) =>
        from
          .split('/')
          .slice(0, from.startsWith('@') ? 2 : 1)
          .join('/'),
      )
      .filter((name) => !declared.has(name));
    expect(undeclared).toEqual([]);
  });

  it('knows Nest only where it has to', () => {
    const knowing = new Set(
      imports.filter(({ from }) => from.startsWith('@nestjs/')).map(({ file }) => file),
    );
    const allowed =
      /^(auth\.(module|module-definition|providers|lifecycle)\.ts|(guard|principal|transport|openapi|observability|resource-metadata|receivers|route-table)\/.*|validation\/token-validation\.service\.ts|calling\/(on-behalf-of|client-credentials)\.ts|testing\/mock-claims\.ts|credentials\/message-token\.ts)$|\.decorator\.ts$/;
    expect([...knowing].filter((file) => !allowed.test(file))).toEqual([]);
  });

  it('has a command line that needs no Nest, not even through what it imports', () => {
    const reached = new Set(['cli/main.ts']);
    for (const file of reached) {
      for (const { from } of imports.filter((each) => each.file === file && !each.typeOnly)) {
        if (from.startsWith('@nestjs/')) throw new Error(`${file} imports ${from}`);
        if (from.startsWith('.')) reached.add(join(dirname(file), from).replace(/\.js$/, '.ts'));
      }
    }
    expect(reached.size).toBeGreaterThan(30);
  });
});
