/** Finds and removes guards and modules where an application registers them. */
import type ts from 'typescript';
import { classesOf, decoratorsOf, propertyOf, walk } from '../../codemod/decorators.js';
import type { SourceFile } from '../../codemod/source-file.js';
import type { Migration } from './migration.js';

/** Is this expression one of the guards that are replaced? */
export type IsGuard = (source: SourceFile, expression: ts.Expression) => boolean;

/**
 * Removes `{ provide: APP_GUARD, useClass: X }` and `app.useGlobalGuards(new X())`.
 *
 * @returns whether there was one
 */
export function removeGlobalGuards(migration: Migration, isGuard: IsGuard): boolean {
  let found = false;
  for (const source of migration.project.sources) {
    for (const list of listsOf(source, 'providers'))
      for (const element of list.elements) {
        if (!isGlobalProvider(source, element, isGuard)) continue;
        source.removeElement(list.elements, element);
        migration.change(source, element, 'AuthModule registers its guard itself');
        found = true;
      }
    for (const node of walk(source))
      if (removeUseGlobalGuards(migration, source, node, isGuard)) found = true;
  }
  return found;
}

function isGlobalProvider(source: SourceFile, element: ts.Expression, isGuard: IsGuard): boolean {
  const token = propertyOf(source, element, 'provide')?.initializer;
  if (token === undefined || source.importOf(token.getText())?.name !== 'APP_GUARD') return false;
  return ['useClass', 'useExisting'].some((name) => {
    const value = propertyOf(source, element, name)?.initializer;
    return value !== undefined && isGuard(source, value);
  });
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

/** Removes what matches from a list of every `@Module()`. */
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

/** The class whose `@Module()` has this class among its providers. */
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
