/** `nest add nestjs-resource-server`: imports `AuthModule` in the root module. Run twice, it changes nothing. */
import { addModuleImports } from '../codemod/module-imports.js';
import { Project, type RootModule } from '../codemod/project.js';
import type { SourceFile } from '../codemod/source-file.js';
import { loadTypeScript } from '../codemod/typescript.js';
import { walk } from '../codemod/decorators.js';
import { addEnvironmentExample } from './environment-example.js';
import {
  filesOf,
  readText,
  sourceRootOf,
  write,
  type Rule,
  type SchematicContext,
  type Tree,
} from './schematic.js';

interface Options {
  readonly sourceRoot?: string;
  readonly project?: string;
  readonly skipInstall?: boolean;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const OWN_NAME = 'nestjs-resource-server';
const CONFIG = '@nestjs/config';
/** Nest 11 is CommonJS, and its test runner cannot load ES modules, so it gets the last CommonJS version of the package. */
const CONFIG_VERSIONS = { 11: '^4.0.0', 12: '^12.0.0' } as const;

/** @throws {Error} if the root module cannot be found or edited; nothing is written then */
export function nestAdd(options: Options = {}): Rule {
  return (tree, context) => {
    const project = new Project(loadTypeScript(process.cwd()), filesOf(tree), sourceRootOf(options));
    const root = project.rootModule(entryFileOf(tree, options));
    if (root === undefined)
      throw new Error(
        `no root module in ${project.sourceRoot}: import AuthModule.forRoot() of ${OWN_NAME} in it yourself`,
      );
    const missing = missingImports(project);
    if (missing.length > 0) {
      importIn(root, missing);
      write(tree, root.source.path, root.source.print());
    }
    if (missing.includes('ConfigModule')) addConfigPackage(tree, context, options);
    addEnvironmentExample(tree);
    if (missing.includes('AuthModule')) context.logger.info(nextSteps(root));
    return tree;
  };
}

function missingImports(project: Project): string[] {
  const { sources } = project;
  if (sources.some((source) => usesModule(source, 'AuthModule', OWN_NAME))) return [];
  const hasConfig = sources.some((source) => usesModule(source, 'ConfigModule', CONFIG));
  return hasConfig ? ['AuthModule'] : ['ConfigModule', 'AuthModule'];
}

/** Returns whether a file calls `X.forRoot()`, `X.forRootAsync()`, …: a mere reference configures nothing. */
function usesModule(source: SourceFile, name: string, module: string): boolean {
  const local = source.localNameOf(name, module);
  if (local === undefined) return false;
  const { ts } = source;
  for (const node of walk(source))
    if (
      ts.isPropertyAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      node.expression.text === local &&
      node.name.text.startsWith('forRoot')
    )
      return true;
  return false;
}

function importIn(root: RootModule, missing: readonly string[]): void {
  const { source } = root;
  const expressions = missing.map((name) =>
    name === 'ConfigModule'
      ? `${source.addImport('ConfigModule', CONFIG, 'NestConfigModule')}.forRoot({ isGlobal: true })`
      : `${source.addImport('AuthModule', OWN_NAME)}.forRoot()`,
  );
  addModuleImports(root, expressions);
}

/** Adds the package to package.json. npm may have installed it as a peer dependency, but now the application imports it. */
function addConfigPackage(tree: Tree, context: SchematicContext, { skipInstall }: Options): void {
  const path = 'package.json';
  const text = readText(tree, path);
  if (text === undefined) return;
  const manifest = JSON.parse(text) as Manifest;
  if (manifest.dependencies?.[CONFIG] !== undefined || manifest.devDependencies?.[CONFIG] !== undefined)
    return;
  const dependencies = { ...manifest.dependencies, [CONFIG]: CONFIG_VERSIONS[nestVersion(manifest)] };
  const sorted = Object.fromEntries(Object.entries(dependencies).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? '  ';
  write(
    tree,
    path,
    JSON.stringify({ ...manifest, dependencies: sorted }, null, indent) + (text.endsWith('\n') ? '\n' : ''),
  );
  if (skipInstall === true) {
    context.logger.warn(`${CONFIG} was added to package.json: install it`);
    return;
  }
  // The install task of the CLI, as an object because its class would have to be imported.
  context.addTask({
    toConfiguration: () => ({ name: 'node-package', options: { command: 'install', quiet: true } }),
  });
}

function nestVersion({ dependencies, devDependencies }: Manifest): 11 | 12 {
  const range = dependencies?.['@nestjs/core'] ?? devDependencies?.['@nestjs/core'] ?? '';
  return /^\D*11\b/.test(range) ? 11 : 12;
}

/** Returns `entryFile` of nest-cli.json: that of the project, else the common one. */
function entryFileOf(tree: Tree, { project }: Options): string | undefined {
  const text = readText(tree, 'nest-cli.json');
  if (text === undefined) return undefined;
  try {
    const configuration = JSON.parse(text) as {
      readonly entryFile?: string;
      readonly projects?: Readonly<Record<string, { readonly entryFile?: string } | undefined>>;
    };
    return configuration.projects?.[project ?? '']?.entryFile ?? configuration.entryFile;
  } catch {
    return undefined;
  }
}

function nextSteps({ source }: RootModule): string {
  return `
${source.path} imports AuthModule: every route now requires a valid access token.

  1. Copy .env.example to .env, and name your issuer and your API's audience there.
     No provider yet? npx nestjs-resource-server issuer
  2. Declare which routes need no token, and what the others require: @Public(), @Scopes(...), @Groups(...).
     A proposal for a controller: nest g -c nestjs-resource-server protect <controller>
  3. End-to-end tests that send no token now get a 401: nestjs-resource-server/testing has an issuer for them.
`;
}
