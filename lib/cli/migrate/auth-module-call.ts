/** Adds `AuthModule.forRoot({ ... })` to the root module, with the options that a migration found. */
import { posix } from 'node:path';
import type ts from 'typescript';
import { walk } from '../../codemod/decorators.js';
import { addModuleImports } from '../../codemod/module-imports.js';
import type { SourceFile } from '../../codemod/source-file.js';
import type { Migration } from './migration.js';

export const OWN_NAME = 'nestjs-resource-server';

/** Names that need no import in the root module. */
const GLOBALS = new Set(['process', 'undefined', 'String', 'Number', 'Boolean', 'parseInt']);

/**
 * Returns an expression as text that has the same meaning in the root module: its names are imported there or injected.
 *
 * @returns `undefined` if it uses names that only its own file has
 */
export function portable(
  migration: Migration,
  source: SourceFile,
  expression: ts.Expression,
): string | undefined {
  const { ts } = source;
  const parameters = parametersAround(source, expression);
  for (const node of walk(source, expression)) {
    if (!ts.isIdentifier(node) || isMemberName(source, node)) continue;
    const name = node.text;
    if (GLOBALS.has(name) || isDeclaredWithin(source, expression, name)) continue;
    const type = parameters.get(name);
    const imported = source.importOf(type ?? name);
    if (imported === undefined || imported.name === '*' || imported.name === 'default') return undefined;
    const module = fromRoot(migration, source, imported.module);
    if (type === undefined) migration.root.source.addImport(imported.name, module);
    else migration.injected.set(name, { parameter: name, type: imported.name, module });
  }
  return expression.getText();
}

/** Returns the specifier of a module as the root module imports it. */
export function fromRoot({ root }: Migration, source: SourceFile, module: string): string {
  if (!module.startsWith('.')) return module;
  const target = posix.join(posix.dirname(source.path), module);
  const path = posix.relative(posix.dirname(root.source.path), target);
  return path.startsWith('.') ? path : `./${path}`;
}

/** Returns the path of a file as the root module imports it, with `.js` if its other relative imports have it (ES modules). */
export function importPathOf({ root }: Migration, source: SourceFile): string {
  const ending = root.source.imports.some(({ module }) => /^\..*\.js$/.test(module)) ? '.js' : '';
  const path = posix.relative(posix.dirname(root.source.path), source.path).replace(/\.[jt]s$/, ending);
  return path.startsWith('.') ? path : `./${path}`;
}

export function importAuthModule(migration: Migration): void {
  const { root, options, injected, factoryImports, globalGuard } = migration;
  const { source } = root;
  const module = source.addImport('AuthModule', OWN_NAME);
  const entries = [...options].map(([name, text]) => (name === text ? name : `${name}: ${text}`));
  const guard = globalGuard ? [] : ['globalGuard: false'];
  const call =
    injected.size === 0
      ? `${module}.forRoot(${objectOf([...guard, ...entries], '    ')})`
      : `${module}.forRootAsync(${objectOf([...guard, ...factory()], '    ')})`;
  addModuleImports(root, [call]);

  function factory(): string[] {
    const parameters = [...injected.values()].map((each) => ({
      ...each,
      local: source.addImport(each.type, each.module),
    }));
    const modules = factoryImports.map(({ name, module: from }) => source.addImport(name, from));
    return [
      ...(modules.length > 0 ? [`imports: [${[...new Set(modules)].join(', ')}]`] : []),
      `inject: [${parameters.map(({ local }) => local).join(', ')}]`,
      `useFactory: (${parameters.map(({ parameter, local }) => `${parameter}: ${local}`).join(', ')}) => (${objectOf(entries, '      ')})`,
    ];
  }
}

function objectOf(entries: readonly string[], indent: string): string {
  if (entries.length === 0) return '';
  return `{\n${entries.map((each) => `${indent}  ${each},\n`).join('')}${indent}}`;
}

/** Finds the parameters of constructors, methods and arrow functions around an expression, with their types. */
function parametersAround({ ts }: SourceFile, expression: ts.Expression): Map<string, string> {
  const found = new Map<string, string>();
  for (let node: ts.Node | undefined = expression.parent; node !== undefined; node = node.parent) {
    if (!ts.isConstructorDeclaration(node) && !ts.isMethodDeclaration(node) && !ts.isArrowFunction(node))
      continue;
    for (const { name, type } of node.parameters)
      if (ts.isIdentifier(name) && type !== undefined && ts.isTypeReferenceNode(type))
        found.set(name.text, type.typeName.getText());
  }
  return found;
}

function isDeclaredWithin(source: SourceFile, expression: ts.Expression, name: string): boolean {
  const { ts } = source;
  for (const node of walk(source, expression))
    if (
      (ts.isParameter(node) || ts.isVariableDeclaration(node)) &&
      ts.isIdentifier(node.name) &&
      node.name.text === name
    )
      return true;
  return false;
}

function isMemberName({ ts }: SourceFile, node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    (ts.isPropertyAssignment(parent) && parent.name === node)
  );
}
