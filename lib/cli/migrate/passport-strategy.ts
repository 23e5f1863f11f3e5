/** Migrates a strategy of passport-jwt: its options become those of AuthModule, its `validate` becomes `loadUser`. */
import type ts from 'typescript';
import { classesOf, decoratorsOf, methodsOf, propertyOf, walk } from '../../codemod/decorators.js';
import type { SourceFile } from '../../codemod/source-file.js';
import { importPathOf, OWN_NAME, portable } from './auth-module-call.js';
import type { Migration } from './migration.js';
import { providingModule, removeFromModules } from './nest-guards.js';

export interface Strategy {
  readonly source: SourceFile;
  readonly declaration: ts.ClassDeclaration;
  /** The name in `AuthGuard('jwt')`. */
  readonly name: string;
  readonly options: ts.Expression | undefined;
  readonly superCall: ts.Node | undefined;
}

const PASSPORT = '@nestjs/passport';
const KNOWN = new Set([
  'jwtFromRequest',
  'secretOrKey',
  'secretOrKeyProvider',
  'issuer',
  'audience',
  'algorithms',
  'ignoreExpiration',
  'passReqToCallback',
  'jsonWebTokenOptions',
]);

export function findStrategies({ project }: Migration): Strategy[] {
  return project.sources.flatMap((source) =>
    classesOf(source).flatMap((declaration) => strategyOf(source, declaration) ?? []),
  );
}

/** Returns whether the application has other strategies, which need Passport. */
export function hasOtherStrategies({ project }: Migration, ours: readonly Strategy[]): boolean {
  return project.sources.some((source) =>
    classesOf(source).some(
      (each) =>
        heritageCall(source, each, 'PassportStrategy') &&
        !ours.some(({ declaration }) => declaration === each),
    ),
  );
}

/**
 * Returns whether tokens are verified with a fixed key instead of an issuer's key set. With a shared secret, every verifier
 * can create tokens, so no issuer of tokens for APIs uses one.
 */
export function hasSharedKey({ source, options }: Strategy): boolean {
  return (
    propertyOf(source, options, 'secretOrKey') !== undefined ||
    propertyOf(source, options, 'secretOrKeyProvider') === undefined
  );
}

/** Returns whether the strategy cannot be migrated: options that are not a literal, or `validate(payload, done)`. */
export function isUnreadable({ source, declaration, options }: Strategy): boolean {
  if (options === undefined || !source.ts.isObjectLiteralExpression(options)) return true;
  const validate = methodsOf(source, declaration).find((each) => each.name.getText() === 'validate');
  return (validate?.parameters.length ?? 0) > (passesRequest(source, options) ? 2 : 1);
}

function passesRequest(source: SourceFile, options: ts.Expression | undefined): boolean {
  return propertyOf(source, options, 'passReqToCallback')?.initializer.getText() === 'true';
}

export function migrateOptions(migration: Migration, { source, options }: Strategy): void {
  if (options === undefined) return;
  const key = propertyOf(source, options, 'secretOrKeyProvider')?.initializer;
  const jwksUri = jwksUriOf(source, key);
  migrateIssuer(migration, source, options, jwksUri);
  take(migration, source, options, 'audience');
  if (!migration.options.has('audience')) {
    migration.stricter.add(
      'aud was not checked. It is now: set MONOCLOUD_BACKEND_AUDIENCE to what the issuer writes into aud',
    );
  }
  migrateAlgorithms(migration, source, options);
  migrateTolerance(migration, source, options);
  migrateExtractor(migration, source, propertyOf(source, options, 'jwtFromRequest')?.initializer);
  const ignored = propertyOf(source, options, 'ignoreExpiration')?.initializer;
  if (ignored?.kind === source.ts.SyntaxKind.TrueKeyword)
    migration.stricter.add('ignoreExpiration: expired tokens were accepted and are now rejected');
  if (source.ts.isObjectLiteralExpression(options))
    for (const property of options.properties) {
      const name = property.name?.getText() ?? property.getText();
      if (!KNOWN.has(name)) migration.lacks(source, property, `option ${name}`);
    }
}

/** Makes `validate` the `loadUser` of AuthModule. The class remains in its file, without Passport. */
export function migrateValidate(migration: Migration, strategy: Strategy): void {
  const { source, declaration, options, superCall } = strategy;
  const { ts } = source;
  const validate = methodsOf(source, declaration).find((each) => each.name.getText() === 'validate');
  const name = declaration.name?.text;
  if (validate === undefined || name === undefined) return;
  const heritage = declaration.heritageClauses?.find((each) => each.token === ts.SyntaxKind.ExtendsKeyword);
  if (heritage !== undefined) source.remove(heritage);
  migration.change(
    source,
    declaration,
    `${name} is no longer a strategy; its validate() becomes loadUser of AuthModule`,
  );
  refuseWithoutThrowing(migration, source, validate);
  const needsThis = [...walk(source, validate)].some((each) => each.kind === ts.SyntaxKind.ThisKeyword);
  const constructor = declaration.members.find((each) => ts.isConstructorDeclaration(each));
  const provider = providingModule(migration, name);
  if (!needsThis) {
    if (constructor !== undefined) source.remove(constructor);
    removeFromModules(
      migration,
      'providers',
      (_, element) => element.getText() === name,
      `${name} is created without injection`,
    );
    removeFromModules(
      migration,
      'exports',
      (_, element) => element.getText() === name,
      `${name} is not provided`,
    );
    for (const { name: decorator, node } of decoratorsOf(source, declaration))
      if (decorator === 'Injectable') source.remove(node);
    const local = localClass(migration, source, name);
    migration.options.set('loadUser', call(`new ${local}()`));
    return;
  }
  if (constructor !== undefined) withoutSuper(source, constructor, superCall);
  if (provider === undefined || provider.source.path === migration.root.source.path) {
    migration.lacks(
      source,
      validate,
      `validate() uses injected providers: provide ${name} in a module that exports it, import that in forRootAsync({ imports, inject, useFactory }), and set loadUser: (claims) => validate(claims)`,
    );
    return;
  }
  exportFrom(migration, provider, name);
  const parameter = name.charAt(0).toLowerCase() + name.slice(1);
  migration.injected.set(parameter, { parameter, type: name, module: importPathOf(migration, source) });
  migration.factoryImports.push({ name: provider.name, module: importPathOf(migration, provider.source) });
  migration.options.set('loadUser', call(parameter));

  function call(target: string): string {
    const claims = validate?.parameters.at(passesRequest(source, options) ? 1 : 0);
    const isTyped = claims?.type !== undefined && claims.type.kind !== ts.SyntaxKind.AnyKeyword;
    const argument = isTyped ? 'claims as never' : 'claims';
    return passesRequest(source, options)
      ? `(claims, { context }) => ${target}.validate(context.switchToHttp().getRequest(), ${argument})`
      : `(claims) => ${target}.validate(${argument})`;
  }
}

function strategyOf(source: SourceFile, declaration: ts.ClassDeclaration): Strategy | undefined {
  const call = heritageCall(source, declaration, 'PassportStrategy');
  const [strategy, name] = call?.arguments ?? [];
  if (strategy === undefined || source.importOf(strategy.getText())?.module !== 'passport-jwt')
    return undefined;
  const superCall = [...walk(source, declaration)].find(
    (each) => source.ts.isCallExpression(each) && each.expression.kind === source.ts.SyntaxKind.SuperKeyword,
  ) as ts.CallExpression | undefined;
  return {
    source,
    declaration,
    name: name === undefined ? 'jwt' : name.getText().slice(1, -1),
    options: superCall?.arguments[0],
    superCall,
  };
}

/** Returns the call in `extends PassportStrategy(Strategy)`. */
function heritageCall(
  source: SourceFile,
  { heritageClauses }: ts.ClassDeclaration,
  name: string,
): ts.CallExpression | undefined {
  const expression = heritageClauses?.[0]?.types[0]?.expression;
  if (expression === undefined || !source.ts.isCallExpression(expression)) return undefined;
  const imported = source.importOf(expression.expression.getText());
  return imported?.module === PASSPORT && imported.name === name ? expression : undefined;
}

function take(migration: Migration, source: SourceFile, options: ts.Expression, name: string): void {
  const value = propertyOf(source, options, name)?.initializer;
  if (value === undefined) return;
  const text = portable(migration, source, value);
  if (text === undefined) migration.lacks(source, value, `${name} is computed by code: set it on AuthModule`);
  else migration.options.set(name, text);
}

function jwksUriOf(source: SourceFile, provider: ts.Expression | undefined): ts.Expression | undefined {
  if (provider === undefined || !source.ts.isCallExpression(provider)) return undefined;
  return propertyOf(source, provider.arguments[0], 'jwksUri')?.initializer;
}

function migrateIssuer(
  migration: Migration,
  source: SourceFile,
  options: ts.Expression,
  jwksUri: ts.Expression | undefined,
): void {
  take(migration, source, options, 'issuer');
  const address = jwksUri && portable(migration, source, jwksUri);
  if (!migration.options.has('issuer')) {
    // The issuer is the part of the URL before `/.well-known/`.
    const issuer = address && /^(['"`].*?)\/\.well-known\/[\w.-]+(['"`])$/.exec(address);
    if (issuer) migration.options.set('issuer', `${issuer[1]}${issuer[2]}`);
    migration.stricter.add(
      `iss was not checked. It is now${issuer ? '' : ': set MONOCLOUD_BACKEND_TENANT_DOMAIN to the issuer'}`,
    );
  }
  if (address === undefined && jwksUri !== undefined)
    migration.lacks(source, jwksUri, 'jwksUri is computed by code: not required if the issuer has discovery');
  // A usual URL is omitted, because discovery finds it; any other URL is kept.
  else if (
    address !== undefined &&
    !/\/\.well-known\/(?:jwks\.json|openid-configuration\/jwks)['"`]$/.test(address)
  )
    migration.options.set('jwksUri', address);
}

function migrateAlgorithms(migration: Migration, source: SourceFile, options: ts.Expression): void {
  const value = propertyOf(source, options, 'algorithms')?.initializer;
  if (value === undefined) return;
  const text = portable(migration, source, value);
  if (text === undefined)
    return migration.lacks(
      source,
      value,
      'algorithms is computed by code: set signingAlgorithms on AuthModule',
    );
  const accepted = text.replace(/,\s*(['"`])HS\d+\1/g, '').replace(/(['"`])HS\d+\1\s*,?\s*/g, '');
  if (accepted !== text) migration.stricter.add('HS256, HS384 and HS512 were accepted and are now rejected');
  // Without other algorithms there is nothing to restrict, and an empty list would accept no token.
  if (!/^\[\s*\]$/.test(accepted)) migration.options.set('signingAlgorithms', accepted);
}

/** Sets the tolerance explicitly: that of jsonwebtoken is 0 by default. */
function migrateTolerance(migration: Migration, source: SourceFile, options: ts.Expression): void {
  const inner = propertyOf(source, options, 'jsonWebTokenOptions')?.initializer;
  const value = propertyOf(source, inner, 'clockTolerance')?.initializer;
  const text = value && portable(migration, source, value);
  migration.options.set('clockTolerance', text ?? '0');
}

function migrateExtractor(
  migration: Migration,
  source: SourceFile,
  extractor: ts.Expression | undefined,
): void {
  if (extractor === undefined) return;
  const parts = extractorParts(migration, source, extractor);
  if (parts === undefined) {
    migration.lacks(
      source,
      extractor,
      'jwtFromRequest: write a tokenResolver; until then, the header is read',
    );
    return;
  }
  if (parts.length === 1 && parts[0] === 'header') return;
  const texts = parts.map((each) => {
    if (each !== 'header') return each;
    return `${migration.root.source.addImport('bearerToken', OWN_NAME)}(request)`;
  });
  const joined = [...texts, ...(parts.at(-1) === 'header' ? [] : ['undefined'])].join(' ?? ');
  migration.options.set('tokenResolver', `(request: any) => ${joined}`);
}

/** Returns the extractors as expressions, in their order; `header` for the `Authorization` header, the default of AuthModule. */
function extractorParts(
  migration: Migration,
  source: SourceFile,
  extractor: ts.Expression,
): string[] | undefined {
  const { ts } = source;
  if (ts.isCallExpression(extractor)) {
    const [argument] = extractor.arguments;
    switch (extractor.expression.getText().split('.').at(-1)) {
      case 'fromAuthHeaderAsBearerToken':
        return ['header'];
      case 'fromHeader':
        return argument && [`request.headers[${argument.getText().toLowerCase()}]`];
      case 'fromUrlQueryParameter':
        return argument && [`request.query?.[${argument.getText()}]`];
      case 'fromBodyField':
        return argument && [`request.body?.[${argument.getText()}]`];
      case 'fromExtractors': {
        if (argument === undefined || !ts.isArrayLiteralExpression(argument)) return undefined;
        const parts = argument.elements.map((each) => extractorParts(migration, source, each));
        return parts.every((each) => each !== undefined) ? parts.flat() : undefined;
      }
      default:
        return undefined;
    }
  }
  if (!ts.isArrowFunction(extractor) || portable(migration, source, extractor) === undefined)
    return undefined;
  const name = extractor.parameters[0]?.name.getText() ?? 'request';
  const { body: whole } = extractor;
  const body = whole.getText();
  if (name === 'request' && !ts.isBlock(whole)) {
    // A final `?? null` is dropped: the next extractor, or `undefined`, replaces it.
    const isNullish = ts.isBinaryExpression(whole) && /^(?:null|undefined)$/.test(whole.right.getText());
    return [isNullish ? whole.left.getText() : `(${body})`];
  }
  // The parameter loses the type that its place in the options implied, so it needs `any`.
  return [`((${name}: any) => ${body})(request)`];
}

/** Removes the call of `super`, and the parameters that only it used. */
function withoutSuper(
  source: SourceFile,
  constructor: ts.ConstructorDeclaration,
  superCall: ts.Node | undefined,
): void {
  if (superCall === undefined || constructor.body === undefined) return;
  const others = constructor.body.statements.filter((each) => each !== superCall.parent);
  const used = new Set(others.flatMap((each) => [...walk(source, each)].map((node) => node.getText())));
  for (const each of constructor.parameters)
    if ((each.modifiers?.length ?? 0) === 0 && !used.has(each.name.getText()))
      source.removeElement(constructor.parameters, each);
  if (others.length === 0) source.replace(constructor.body, '{}');
  else source.remove(superCall.parent);
}

/** Makes `validate` return `undefined` for an unknown user, as `loadUser` does. An error of `loadUser` results in 500. */
function refuseWithoutThrowing(
  migration: Migration,
  source: SourceFile,
  validate: ts.MethodDeclaration,
): void {
  for (const node of walk(source, validate)) {
    if (source.ts.isReturnStatement(node) && node.expression?.kind === source.ts.SyntaxKind.FalseKeyword)
      source.replace(node, 'return undefined;');
    if (!source.ts.isThrowStatement(node)) continue;
    const thrown = node.expression;
    if (source.ts.isNewExpression(thrown) && thrown.expression.getText() === 'UnauthorizedException')
      source.replace(node, 'return undefined;');
    else
      migration.lacks(
        source,
        node,
        'an error of validate() resulted in 401 or its own status, and now results in 500',
      );
  }
}

function exportFrom(
  migration: Migration,
  { source, list }: { source: SourceFile; list: ts.ArrayLiteralExpression },
  name: string,
): void {
  const metadata = list.parent.parent as ts.ObjectLiteralExpression;
  const exported = propertyOf(source, metadata, 'exports')?.initializer;
  if (exported !== undefined && source.ts.isArrayLiteralExpression(exported)) {
    if (source.remaining(exported.elements).some((each) => each.getText() === name)) return;
    source.insert(
      exported.getStart() + 1,
      source.remaining(exported.elements).length > 0 ? `${name}, ` : name,
    );
  } else {
    source.insert(list.parent.getStart(), `exports: [${name}],\n  `);
  }
  migration.change(source, list, `${name} is exported, for AuthModule to inject`);
}

function localClass(migration: Migration, source: SourceFile, name: string): string {
  if (source.path === migration.root.source.path) return name;
  return migration.root.source.addImport(name, importPathOf(migration, source));
}
