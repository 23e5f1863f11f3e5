/** Writes `AuthModule.forRoot({ ... })` into the root module, with what a migration found. */
import { posix } from 'node:path';
import type ts from 'typescript';
import { walk } from '../../codemod/decorators.js';
import { addModuleImports } from '../../codemod/module-imports.js';
import type { SourceFile } from '../../codemod/source-file.js';
import type { Migration } from './migration.js';

export const OWN_NAME = 'nestjs-resource-server';

/** Expressions that can be copied into the root module without what stands around them. */
const GLOBALS = new Set(['process', 'undefined', 'String', 'Number', 'Boolean', 'parseInt']);

/**
 * An expression as text that means the same in the root module: what it names is imported there or injected.
 *
 * @returns `undefined` where it needs what only its own file has
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

/** As the root module imports it. */
export function fromRoot({ root }: Migration, source: SourceFile, module: string): string {
  if (!module.startsWith('.')) return module;
  const target = posix.join(posix.dirname(source.path), module);
  const path = posix.relative(posix.dirname(root.source.path), target);
  return path.startsWith('.') ? path : `./${path}`;
}

/** The ending that relative imports of the application have: `.js` in ES modules. */
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

/** Parameters of the constructor or function around an expression, with their types. */
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
