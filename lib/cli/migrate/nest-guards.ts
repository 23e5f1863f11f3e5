/** Finds and removes guards and modules where an application registers them. */
import type ts from 'typescript';
import { classesOf, decoratorsOf, propertyOf, walk } from '../../codemod/decorators.js';
import type { SourceFile } from '../../codemod/source-file.js';
import { OWN_NAME } from './auth-module-call.js';
import type { Migration } from './migration.js';

/** Returns whether an expression is one of the guards that are replaced. */
export type IsGuard = (source: SourceFile, expression: ts.Expression) => boolean;

/** How the guard was registered globally. `kept`: it keeps its place among other guards, because guards run in order. */
export type GlobalGuard = 'none' | 'removed' | 'kept';

/**
 * Removes `{ provide: APP_GUARD, useClass: X }` and `app.useGlobalGuards(new X())`; AuthModule registers its guard itself.
 * AuthGuard keeps the place if the application has other `APP_GUARD` providers: these may read what it sets on the request.
 */
export function replaceGlobalGuards(migration: Migration, isGuard: IsGuard): GlobalGuard {
  const { sources } = migration.project;
  const providers = sources.flatMap((source) =>
    listsOf(source, 'providers').flatMap((list) =>
      list.elements.filter((each) => isGlobal(source, each)).map((element) => ({ source, list, element })),
    ),
  );
  const ours = providers.filter(({ source, element }) => guardClass(source, element, isGuard) !== undefined);
  const isKept = ours.length > 0 && ours.length < providers.length;
  for (const [index, { source, list, element }] of ours.entries()) {
    const property = guardClass(source, element, isGuard);
    if (isKept && index === 0 && property !== undefined) {
      source.replace(property, `useExisting: ${source.addImport('AuthGuard', OWN_NAME)}`);
      migration.change(source, element, 'AuthGuard, before the other guards of the application');
    } else {
      source.removeElement(list.elements, element);
      migration.change(source, element, 'AuthModule registers its guard itself');
    }
  }
  if (isKept) return 'kept';
  let found = ours.length > 0;
  for (const source of sources)
    for (const node of walk(source))
      if (removeUseGlobalGuards(migration, source, node, isGuard)) found = true;
  return found ? 'removed' : 'none';
}

/** Sets `globalGuard: false`, unless AuthModule is to register the guard. */
export function guardAs(migration: Migration, how: GlobalGuard): void {
  migration.globalGuard = how === 'removed';
  if (how === 'none')
    migration.lacks(
      migration.root.source,
      migration.root.declaration,
      'routes without a guard stay open (globalGuard: false); npx nestjs-resource-server audit lists them',
    );
}

function isGlobal(source: SourceFile, element: ts.Expression): boolean {
  const token = propertyOf(source, element, 'provide')?.initializer;
  return token !== undefined && source.importOf(token.getText())?.name === 'APP_GUARD';
}

function guardClass(
  source: SourceFile,
  element: ts.Expression,
  isGuard: IsGuard,
): ts.PropertyAssignment | undefined {
  return ['useClass', 'useExisting']
    .map((name) => propertyOf(source, element, name))
    .find((each) => each !== undefined && isGuard(source, each.initializer));
}

function removeUseGlobalGuards(
  migration: Migration,
  source: SourceFile,
  node: ts.Node,
  isGuard: IsGuard,
): boolean {
  const { ts } = source;
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false;
  if (node.expression.name.text !== 'useGlobalGuards') return false;
  const ours = node.arguments.filter((each) => {
    const value = ts.isNewExpression(each) ? each.expression : each;
    return isGuard(source, value);
  });
  if (ours.length === 0) return false;
  migration.change(source, node, 'AuthModule registers its guard itself');
  if (ours.length === node.arguments.length)
    source.remove(ts.isExpressionStatement(node.parent) ? node.parent : node);
  else for (const each of ours) source.removeElement(node.arguments, each);
  return true;
}

/** Removes the matching elements from a list of every `@Module()`. */
export function removeFromModules(
  migration: Migration,
  name: 'imports' | 'exports' | 'providers',
  matches: (source: SourceFile, element: ts.Expression) => boolean,
  text: string,
): void {
  for (const source of migration.project.sources)
    for (const list of listsOf(source, name))
      for (const element of list.elements) {
        if (!matches(source, element)) continue;
        source.removeElement(list.elements, element);
        migration.change(source, element, text);
      }
}

export function listsOf(
  source: SourceFile,
  name: 'imports' | 'exports' | 'providers',
): ts.ArrayLiteralExpression[] {
  return classesOf(source).flatMap((each) => {
    const module = decoratorsOf(source, each).find(
      (decorator) => source.importOf(decorator.name)?.name === 'Module',
    );
    const value = propertyOf(source, module?.args[0], name)?.initializer;
    return value !== undefined && source.ts.isArrayLiteralExpression(value) ? [value] : [];
  });
}

/** Finds the module that provides a class. */
export function providingModule(
  migration: Migration,
  className: string,
): { source: SourceFile; name: string; list: ts.ArrayLiteralExpression } | undefined {
  for (const source of migration.project.sources)
    for (const list of listsOf(source, 'providers')) {
      if (!list.elements.some((each) => each.getText() === className)) continue;
      const name = classesOf(source).find((each) => each.pos <= list.pos && list.end <= each.end)?.name?.text;
      if (name !== undefined) return { source, name, list };
    }
  return undefined;
}
