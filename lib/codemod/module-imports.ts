/** Adds imports to the `@Module()` of a class. */
import type ts from 'typescript';
import { decoratorsOf, indentOf, propertyOf } from './decorators.js';
import type { RootModule } from './project.js';
import { printList } from './source-file.js';

/**
 * Adds the imports at the start of the list: guards run in the order of their modules, and later guards may read the caller.
 *
 * @throws {Error} if there is no `@Module()`, or its argument is not an object literal
 */
export function addModuleImports({ source, declaration }: RootModule, expressions: readonly string[]): void {
  const { ts } = source;
  const decorator = decoratorsOf(source, declaration).find(
    ({ name }) => source.importOf(name)?.name === 'Module',
  );
  const [metadata] = decorator?.args ?? [];
  if (decorator === undefined) throw new Error(`${source.path} has no @Module()`);
  if (metadata === undefined) {
    const call = decorator.node.expression;
    source.insert(call.getEnd() - 1, `{\n  imports: ${printList(expressions, 11, '  ')},\n}`);
    return;
  }
  if (!ts.isObjectLiteralExpression(metadata))
    throw new Error(
      `${source.path}: the argument of @Module() is not an object literal; add ${expressions.join(', ')} to its imports`,
    );
  const property = propertyOf(source, metadata, 'imports');
  if (property === undefined) addProperty(source, metadata, expressions);
  else addToProperty(source, property, expressions);
}

function addProperty(
  source: RootModule['source'],
  metadata: ts.ObjectLiteralExpression,
  expressions: readonly string[],
): void {
  const shorthand = metadata.properties.find(
    (each) => source.ts.isShorthandPropertyAssignment(each) && each.name.text === 'imports',
  );
  if (shorthand !== undefined) {
    source.replace(shorthand, `imports: ${printList([...expressions, '...imports'], 11, '  ')}`);
    return;
  }
  const [first] = metadata.properties;
  const isOneLine = !metadata.getText().includes('\n');
  const list = printList(expressions, 11, '  ');
  if (first === undefined) source.replace(metadata, `{\n  imports: ${list},\n}`);
  else if (isOneLine) source.insert(first.getStart(), `imports: ${list}, `);
  else source.insert(first.getStart(), `imports: ${list},\n${indentOf(source, first)}`);
}

function addToProperty(
  source: RootModule['source'],
  property: ts.PropertyAssignment,
  expressions: readonly string[],
): void {
  const { ts } = source;
  const value = property.initializer;
  const indent = indentOf(source, property);
  const column = indent.length + property.name.getText().length + 2;
  if (!ts.isArrayLiteralExpression(value)) {
    const spread =
      ts.isIdentifier(value) || ts.isCallExpression(value) ? value.getText() : `(${value.getText()})`;
    source.replace(value, printList([...expressions, `...${spread}`], column, indent));
    return;
  }
  const elements = source.remaining(value.elements);
  const [first] = elements;
  if (first === undefined || !value.getText().includes('\n')) {
    const parts = [...expressions, ...elements.map((each) => each.getText())];
    source.replace(value, printList(parts, column, indent));
    return;
  }
  const separator = `,\n${indentOf(source, first)}`;
  source.insert(first.getStart(), expressions.map((each) => each + separator).join(''));
}
