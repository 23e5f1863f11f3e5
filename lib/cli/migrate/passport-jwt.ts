/** `migrate passport-jwt`: replaces a strategy, its guards and its decorator for public routes with AuthModule. */
import type ts from 'typescript';
import { classesOf, methodsOf, walk } from '../../codemod/decorators.js';
import type { SourceFile } from '../../codemod/source-file.js';
import { importAuthModule, OWN_NAME } from './auth-module-call.js';
import type { Migration } from './migration.js';
import { removeFromModules, guardAs, replaceGlobalGuards } from './nest-guards.js';
import {
  findStrategies,
  hasOtherStrategies,
  hasSharedKey,
  isUnreadable,
  migrateOptions,
  migrateValidate,
  type Strategy,
} from './passport-strategy.js';

interface GuardClass {
  readonly source: SourceFile;
  readonly declaration: ts.ClassDeclaration;
  readonly isOptional: boolean;
}

const PASSPORT = '@nestjs/passport';

export function migratePassportJwt(migration: Migration): void {
  const strategies = findStrategies(migration);
  const [first] = strategies;
  if (first === undefined) {
    migration.block(
      migration.root.source,
      migration.root.declaration,
      'no class extends PassportStrategy(Strategy) of passport-jwt',
    );
    return;
  }
  for (const each of strategies.filter(isUnreadable))
    migration.block(
      each.source,
      each.declaration,
      'the options of the strategy are not an object literal in super({ ... }), or validate() uses a callback: rewrite this first',
    );
  if (migration.blocking.length > 0) return;
  const [strategy, ...others] = strategies.filter((each) => !hasSharedKey(each));
  if (strategy === undefined) {
    migration.block(
      first.source,
      first.declaration,
      'tokens are verified with a key of the application (secretOrKey): there is no issuer that publishes keys. Have an issuer sign them with RS256 or ES256, or keep passport-jwt',
    );
    return;
  }
  for (const each of [...others, ...strategies.filter(hasSharedKey)])
    migration.lacks(each.source, each.declaration, `strategy ${each.name} is left as it is`);
  const guards = findGuardClasses(migration, strategy);
  if (migration.blocking.length > 0) return;
  removePassport(migration, [strategy]);
  migrateOptions(migration, strategy);
  migrateValidate(migration, strategy);
  migratePublicDecorators(migration, guards);
  const isGuard = (source: SourceFile, each: ts.Expression): boolean =>
    isGuardCall(source, each, strategy.name) || isGuardClass(migration, guards, source, each);
  guardAs(migration, replaceGlobalGuards(migration, isGuard));
  replaceGuards(migration, strategy, guards);
  migration.stricter.add(
    'tokens without exp, ID tokens and other JWTs that are not access tokens are rejected',
  );
  migration.stricter.add('an unreachable provider results in 503 instead of 401');
  importAuthModule(migration);
}

/** Returns whether a node is `AuthGuard('jwt')`, `AuthGuard()` or `AuthGuard(['jwt', 'anonymous'])`. */
function isGuardCall(source: SourceFile, node: ts.Node, name: string): node is ts.CallExpression {
  const { ts } = source;
  if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return false;
  const imported = source.importOf(node.expression.text);
  if (imported?.module !== PASSPORT || imported.name !== 'AuthGuard') return false;
  const [argument] = node.arguments;
  if (argument === undefined) return name === 'jwt';
  if (ts.isStringLiteral(argument)) return argument.text === name;
  return (
    ts.isArrayLiteralExpression(argument) &&
    argument.elements.every((each) => ts.isStringLiteral(each) && [name, 'anonymous'].includes(each.text))
  );
}

function isAnonymous(node: ts.CallExpression): boolean {
  return node.arguments[0]?.getText().includes('anonymous') === true;
}

function findGuardClasses(migration: Migration, strategy: Strategy): GuardClass[] {
  const found = migration.project.sources.flatMap((source) =>
    classesOf(source).flatMap((declaration) => {
      const base = declaration.heritageClauses?.[0]?.types[0]?.expression;
      if (base === undefined || !isGuardCall(source, base, strategy.name)) return [];
      const unknown = declaration.members.filter((each) => !isKnownMember(source, each));
      for (const each of unknown)
        migration.block(
          source,
          each,
          `${declaration.name?.text ?? 'the guard'} checks more than the token: move these checks into a separate guard first`,
        );
      const isExported = declaration.modifiers?.some(
        (each) => each.kind === source.ts.SyntaxKind.ExportKeyword,
      );
      const isDefault = declaration.modifiers?.some(
        (each) => each.kind === source.ts.SyntaxKind.DefaultKeyword,
      );
      if (isDefault || !isExported)
        migration.block(source, declaration, 'export this guard by its name first');
      return [{ source, declaration, isOptional: isAnonymous(base) || letsAnonymous(source, declaration) }];
    }),
  );
  for (const source of migration.project.sources)
    for (const declaration of classesOf(source)) {
      const base = declaration.heritageClauses?.[0]?.types[0]?.expression;
      if (base !== undefined && isGuardClass(migration, found, source, base))
        migration.block(
          source,
          declaration,
          `extends ${base.getText()}: list it after that guard in @UseGuards() first`,
        );
    }
  return found;
}

/** Returns whether a member is as in the guides of Nest and Passport; any other member may be an additional check. */
function isKnownMember(source: SourceFile, member: ts.ClassElement): boolean {
  const { ts } = source;
  if (ts.isConstructorDeclaration(member)) return (member.body?.statements.length ?? 0) <= 1;
  if (!ts.isMethodDeclaration(member)) return false;
  const returns = [...walk(source, member)].filter((each) => ts.isReturnStatement(each));
  const texts = returns.map((each) => each.expression?.getText() ?? '');
  const text = member.getText();
  switch (member.name.getText()) {
    case 'canActivate':
      return (
        texts.every((each) => each === 'true' || /^(?:await )?super\.canActivate\(/.test(each)) &&
        (!texts.includes('true') || /\breflector\b/.test(text)) &&
        ifs(source, member).every((each) => /^\w+$/.test(each) || /reflector/.test(each))
      );
    case 'handleRequest': {
      const user = member.parameters[1]?.name.getText();
      return (
        texts.every(
          (each) =>
            each === user ||
            /^(?:null|undefined)$/.test(each) ||
            new RegExp(`^${user} (?:\\|\\||\\?\\?) (?:null|undefined)$`).test(each),
        ) &&
        ifs(source, member).every((each) => new RegExp(`^(?:err(?:or)?|!${user}|\\s|\\|\\|)+$`).test(each))
      );
    }
    case 'getRequest':
      return /GqlExecutionContext|switchToHttp/.test(text);
    default:
      return false;
  }
}

function ifs(source: SourceFile, member: ts.Node): string[] {
  return [...walk(source, member)]
    .filter((each) => source.ts.isIfStatement(each))
    .map((each) => each.expression.getText());
}

function letsAnonymous(source: SourceFile, declaration: ts.ClassDeclaration): boolean {
  const method = methodsOf(source, declaration).find((each) => each.name.getText() === 'handleRequest');
  return method !== undefined && ![...walk(source, method)].some((each) => source.ts.isThrowStatement(each));
}

function isGuardClass(
  { project }: Migration,
  guards: readonly GuardClass[],
  source: SourceFile,
  node: ts.Expression,
): boolean {
  return guardOf({ project }, guards, source, node) !== undefined;
}

function guardOf(
  { project }: Pick<Migration, 'project'>,
  guards: readonly GuardClass[],
  source: SourceFile,
  node: ts.Expression,
): GuardClass | undefined {
  if (!source.ts.isIdentifier(node)) return undefined;
  const found = project.classNamed(node.text, source);
  return guards.find(({ declaration }) => declaration === found?.declaration);
}

/** Replaces the guards. A guard class becomes a re-export of AuthGuard by its old name, so that its imports remain valid. */
function replaceGuards(migration: Migration, strategy: Strategy, guards: readonly GuardClass[]): void {
  for (const source of migration.project.sources) {
    if (isReplacedEverywhere(source, strategy.name)) source.release(passportGuardOf(source) ?? '');
    for (const node of walk(source)) {
      const { ts } = source;
      if (isGuardCall(source, node, strategy.name) && !ts.isExpressionWithTypeArguments(node.parent)) {
        source.replace(node, source.addImport('AuthGuard', OWN_NAME));
        migration.change(source, node, `${node.getText()} is AuthGuard`);
      }
      if (!ts.isDecorator(node) || !ts.isCallExpression(node.expression)) continue;
      if (source.importOf(node.expression.expression.getText())?.name !== 'UseGuards') continue;
      replaceInUseGuards(migration, strategy, guards, source, node, node.expression);
    }
  }
  for (const { source, declaration, isOptional } of guards) {
    const name = declaration.name?.text ?? '';
    source.replace(
      declaration,
      `export { AuthGuard as ${name} } from ${source.quote}${OWN_NAME}${source.quote};`,
    );
    migration.change(
      source,
      declaration,
      `${name} is AuthGuard${isOptional ? ', with @OptionalAuth() where it is used' : ''}`,
    );
  }
}

function passportGuardOf(source: SourceFile): string | undefined {
  return source.localNameOf('AuthGuard', PASSPORT);
}

/** Returns whether all uses of Passport's AuthGuard are replaced: `AuthGuard('local')`, for example, would remain. */
function isReplacedEverywhere(source: SourceFile, name: string): boolean {
  const local = passportGuardOf(source);
  return [...walk(source)].every(
    (node) =>
      !source.ts.isIdentifier(node) ||
      node.text !== local ||
      source.ts.isImportSpecifier(node.parent) ||
      isGuardCall(source, node.parent, name),
  );
}

function replaceInUseGuards(
  migration: Migration,
  strategy: Strategy,
  guards: readonly GuardClass[],
  source: SourceFile,
  decorator: ts.Decorator,
  call: ts.CallExpression,
): void {
  let isOptional = false;
  for (const each of call.arguments) {
    isOptional ||= isGuardCall(source, each, strategy.name) && isAnonymous(each);
    isOptional ||= guardOf(migration, guards, source, each)?.isOptional === true;
  }
  if (!isOptional) return;
  source.insert(decorator.getEnd(), ` @${source.addImport('OptionalAuth', OWN_NAME)}()`);
  migration.stricter.add(
    'on routes with an optional token, a caller with an invalid token was anonymous, and is now rejected with 401',
  );
}

/** Replaces `export const Public = () => SetMetadata(IS_PUBLIC_KEY, true)`, if a replaced guard reads this key. */
function migratePublicDecorators(migration: Migration, guards: readonly GuardClass[]): void {
  const keys = new Set(guards.flatMap(({ source, declaration }) => keysOf(source, declaration)));
  if (keys.size === 0) return;
  for (const source of migration.project.sources) {
    const { ts } = source;
    for (const statement of source.ast.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      const [declaration] = statement.declarationList.declarations;
      const key = /SetMetadata\(\s*([\w.'"-]+)\s*,\s*true\s*\)/.exec(
        declaration?.initializer?.getText() ?? '',
      )?.[1];
      if (declaration === undefined || key === undefined || !keys.has(key)) continue;
      const name = declaration.name.getText();
      source.replace(
        statement,
        `export { Public${name === 'Public' ? '' : ` as ${name}`} } from ${source.quote}${OWN_NAME}${source.quote};`,
      );
      migration.change(source, statement, `@${name}() is @Public()`);
    }
  }
}

function keysOf(source: SourceFile, declaration: ts.ClassDeclaration): string[] {
  return [...walk(source, declaration)].flatMap((node) => {
    if (!source.ts.isCallExpression(node)) return [];
    const isRead = /reflector\??\.(?:get|getAllAndOverride|getAllAndMerge)$/.test(node.expression.getText());
    return isRead && node.arguments[0] !== undefined ? [node.arguments[0].getText()] : [];
  });
}

function removePassport(migration: Migration, strategies: readonly Strategy[]): void {
  for (const each of ['passport-jwt', 'jwks-rsa', '@types/passport-jwt']) migration.uninstall.add(each);
  if (hasOtherStrategies(migration, strategies)) return;
  const isPassport = (source: SourceFile, element: ts.Expression): boolean =>
    source.importOf(/^\w+/.exec(element.getText())?.[0] ?? '')?.name === 'PassportModule';
  removeFromModules(migration, 'imports', isPassport, 'PassportModule no longer has a strategy');
  removeFromModules(migration, 'exports', isPassport, 'PassportModule no longer has a strategy');
  for (const each of ['@nestjs/passport', 'passport']) migration.uninstall.add(each);
}
