/** Finds decorators, classes and members in a syntax tree. */
import type ts from 'typescript';
import type { SourceFile } from './source-file.js';

export interface DecoratorCall {
  readonly node: ts.Decorator;
  /** The local name in the file. */
  readonly name: string;
  readonly args: readonly ts.Expression[];
}

export function decoratorsOf({ ts }: SourceFile, node: ts.Node): DecoratorCall[] {
  if (!ts.canHaveDecorators(node)) return [];
  return (ts.getDecorators(node) ?? []).flatMap((decorator) => {
    const { expression } = decorator;
    if (!ts.isCallExpression(expression)) return [];
    return ts.isIdentifier(expression.expression)
      ? [{ node: decorator, name: expression.expression.text, args: expression.arguments }]
      : [];
  });
}

export function classesOf({ ts, ast }: SourceFile): ts.ClassDeclaration[] {
  return ast.statements.filter((each) => ts.isClassDeclaration(each));
}

export function methodsOf({ ts }: SourceFile, node: ts.ClassDeclaration): ts.MethodDeclaration[] {
  return node.members.filter((each) => ts.isMethodDeclaration(each));
}

/** Yields a node and every node below it. */
export function* walk(source: SourceFile, node: ts.Node = source.ast): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  source.ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* walk(source, child);
}

/** Finds the property `name: value` of an object literal. */
export function propertyOf(
  { ts }: SourceFile,
  object: ts.Expression | undefined,
  name: string,
): ts.PropertyAssignment | undefined {
  if (object === undefined || !ts.isObjectLiteralExpression(object)) return undefined;
  return object.properties
    .filter((each) => ts.isPropertyAssignment(each))
    .find((each) => (ts.isIdentifier(each.name) || ts.isStringLiteral(each.name)) && each.name.text === name);
}

export function indentOf({ text }: SourceFile, node: ts.Node): string {
  const start = text.lastIndexOf('\n', node.getStart() - 1) + 1;
  return /^[ \t]*/.exec(text.slice(start))?.[0] ?? '';
}
