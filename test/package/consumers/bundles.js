/** Bundlers: does the bundle of an application start, and is it as guarded as the application? */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './commands.js';
import { callApplication, callBoth, INSTALL } from './walk.js';

const here = dirname(fileURLToPath(import.meta.url));

/** What each kind needs to be bundled, without what it has for its tests. */
const TOOLS = {
  'nest11-commonjs': ['@nestjs/cli@11', '@swc/cli', '@swc/core', 'ts-loader', 'webpack'],
  'nest12-esm': [
    '@nestjs/cli@12',
    '@swc/cli',
    '@swc/core',
    'ts-loader',
    'tsconfig-paths-webpack-plugin',
    'webpack',
    'webpack-node-externals',
  ],
};
const BUNDLERS = ['esbuild', '@rspack/core', 'typescript@5', '@types/node@20'];

const nest = (...args) => [join('node_modules', '@nestjs', 'cli', 'bin', 'nest.js'), 'build', ...args];
const esbuild = (...args) => ['esbuild.mjs', ...args];

/**
 * `change`: of the sources, before. `alone`: everything is in the bundle, so that it starts where nothing is installed.
 * `expected`: what the routes answer, if it is not what they should; or, of what does not start, what it says.
 */
const BUNDLES = [
  { kind: 'nest11-commonjs', name: 'nest build, swc', build: nest('-b', 'swc'), main: 'src/main.js' },
  { kind: 'nest11-commonjs', name: 'nest build, webpack', build: nest('-b', 'webpack'), main: 'main.js' },
  {
    kind: 'nest11-commonjs',
    name: 'nest build, webpack, all in one',
    build: nest('-b', 'webpack', '--webpackPath', 'all-in-one.cjs'),
    main: 'main.js',
    alone: true,
  },
  { kind: 'nest12-esm', name: 'nest build, swc', build: nest('-b', 'swc'), main: 'main.js' },
  { kind: 'nest12-esm', name: 'nest build, rspack', build: nest('-b', 'rspack'), main: 'main.js' },
  ...[
    ['nest11-commonjs', 'cjs', 'commonjs'],
    ['nest12-esm', 'esm', 'module'],
  ].flatMap(([kind, format, library]) => {
    const main = format === 'esm' ? 'main.mjs' : 'main.cjs';
    return [
      ...['webpack', 'rspack'].map((bundler) => ({
        kind,
        name: `${bundler}, all in one`,
        build: ['webpack.mjs', bundler, library],
        main,
        alone: true,
      })),
      {
        kind,
        name: 'esbuild, all in one',
        change: nameTokens,
        build: esbuild(format, '--minify'),
        main,
        alone: true,
      },
      {
        kind,
        name: 'esbuild, packages external',
        change: nameTokens,
        build: esbuild(format, '--external', '*'),
        main,
      },
      {
        kind,
        name: 'esbuild, Nest external',
        change: nameTokens,
        build: esbuild(format, '--minify', '--external', '@nestjs/*'),
        main,
      },
      // What is lost must not open anything.
      {
        kind,
        name: 'esbuild, no types for Nest to inject',
        build: esbuild(format, '--minify'),
        main,
        alone: true,
        expected: '200 401 401 500 403',
      },
      {
        kind,
        name: 'esbuild, this package external, another Nest in the bundle',
        change: nameTokens,
        build: esbuild(format, '--external', 'nestjs-resource-server'),
        main,
        expected: /can't resolve dependencies of the AuthModule/,
      },
      {
        kind,
        name: 'esbuild, decorators of the standard',
        change: useStandardDecorators,
        build: esbuild(format, '--minify'),
        main,
        alone: true,
        expected: /TypeError: .*'value'/,
      },
      {
        kind,
        name: 'esbuild, two copies of this package',
        change: decorateWithAnotherCopy,
        build: esbuild(format, '--minify', '--external', 'this-package-by-require'),
        main,
        alone: true,
      },
    ];
  }),
];

export const nameOfBundle = ({ kind, name }) => `${kind}, ${name}`;

/** With `sample`: the bundles of one kind in which most is changed, and those that have lost something. */
export function chooseBundles({ only = '', sample = false } = {}) {
  return BUNDLES.filter((each) => nameOfBundle(each).includes(only)).filter(
    ({ kind, name }) =>
      !sample || (kind === 'nest12-esm' && /^(nest build, rspack|esbuild, (?!packages|Nest))/.test(name)),
  );
}

/** A consumer without its tests, and with bundlers. */
export async function installBundlers(kind, tarball, work) {
  const cwd = join(work, `${kind}-bundles`);
  copyConsumer(kind, cwd);
  cpSync(join(here, 'bundles'), cwd, { recursive: true });
  await run('npm', [...INSTALL, tarball, ...BUNDLERS, ...TOOLS[kind]], { cwd });
  return cwd;
}

/** For tsc: the types of the tests are not installed. */
export const TYPES = ['--types', 'node'];

/** Its sources and what they need at run time. */
export function copyConsumer(kind, cwd) {
  mkdirSync(cwd, { recursive: true });
  restoreSources(kind, cwd);
  const { devDependencies: _, ...manifest } = JSON.parse(
    readFileSync(join(here, kind, 'package.json'), 'utf8'),
  );
  writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(cwd, 'nest-cli.json'), JSON.stringify({ sourceRoot: 'src' }));
}

export async function bundleAndCall({ kind, change, build, main, alone, expected }, cwd, env) {
  restoreSources(kind, cwd);
  change?.(cwd);
  rmSync(join(cwd, 'dist'), { recursive: true, force: true });
  await run(process.execPath, build, { cwd });
  let folder = join(cwd, 'dist');
  if (alone) {
    folder = join(cwd, '..', `alone-${kind}`);
    rmSync(folder, { recursive: true, force: true });
    cpSync(join(cwd, 'dist'), folder, { recursive: true });
  }
  if (expected === undefined) return callBoth([main], folder, process.execPath, env);
  const called = callApplication([main], folder, process.execPath, env, String(expected));
  if (!(expected instanceof RegExp)) return called;
  const { message } = await called.then(
    () => new Error('starts'),
    (error) => error,
  );
  if (!expected.test(message)) throw new Error(`does not say ${expected}, but\n${message}`);
}

/** As they were before anything was changed for a bundle. */
export function restoreSources(kind, cwd) {
  for (const name of ['src', 'tsconfig.json'])
    cpSync(join(here, kind, name), join(cwd, name), { recursive: true });
  rmSync(join(cwd, 'src', 'orders.spec.ts'));
}

function edit(cwd, file, ...changes) {
  const path = join(cwd, file);
  let text = readFileSync(path, 'utf8');
  for (const [from, to] of changes) {
    const changed = text.replaceAll(from, to);
    if (changed === text) throw new Error(`${file}: ${from} is not there`);
    text = changed;
  }
  writeFileSync(path, text);
}

/** esbuild writes no types for Nest: what is injected is named. */
export function nameTokens(cwd) {
  const named = [
    /constructor\(private readonly (\w+): (\w+)\)/g,
    'constructor(@Inject($2) private readonly $1: $2)',
  ];
  edit(cwd, 'src/orders.controller.ts', named, ['import { Controller,', 'import { Controller, Inject,']);
  edit(cwd, 'src/orders.service.ts', named, ['import { Injectable }', 'import { Inject, Injectable }']);
}

/** Without parameter decorators, which the standard does not have. */
function useStandardDecorators(cwd) {
  edit(cwd, 'tsconfig.json', [/^.*(emitDecoratorMetadata|experimentalDecorators).*\n/gm, '']);
  edit(
    cwd,
    'src/orders.controller.ts',
    [/@Claims\([^)]*\) (\w+): \w+/g, '$1?: { sub: string }'],
    ['@AccessToken() token: string', "token = ''"],
    ['claims.sub', 'claims?.sub'],
  );
}

/** The controller has its decorators from the build for `require`, the module is that for `import`. */
function decorateWithAnotherCopy(cwd) {
  edit(
    cwd,
    'src/orders.controller.ts',
    [
      /import \{ (.*), type AccessTokenClaims \} from 'nestjs-resource-server';/g,
      "import type { AccessTokenClaims } from 'nestjs-resource-server';\nconst { $1 } = require('nestjs-resource-server') as typeof import('nestjs-resource-server');",
    ],
    [/^.*(OrdersService|constructor).*\n/gm, ''],
    ['await this.orders.ownerOf(token)', 'token.length'],
  );
}
