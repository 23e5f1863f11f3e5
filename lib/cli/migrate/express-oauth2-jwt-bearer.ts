/** `migrate express-oauth2-jwt-bearer`: replaces its middleware with AuthModule, wherever a Nest application runs it. */
import type ts from 'typescript';
import { propertyOf, walk } from '../../codemod/decorators.js';
import type { SourceFile } from '../../codemod/source-file.js';
import { importAuthModule, OWN_NAME, portable } from './auth-module-call.js';
import type { Migration } from './migration.js';
import { guardAs, replaceGlobalGuards } from './nest-guards.js';

const BEARER = 'express-oauth2-jwt-bearer';
const READ = new Set([
  'issuerBaseURL',
  'issuer',
  'audience',
  'jwksUri',
  'tokenSigningAlg',
  'clockTolerance',
  'strict',
  'authRequired',
  'dpop',
]);
/** Options that can be dropped, because this package decides how often it fetches keys. */
const NEEDLESS = new Set(['agent', 'cooldownDuration', 'timeoutDuration', 'cacheMaxAge', 'cache']);
/** Options that have no counterpart: keys of the application, several issuers, and additional checks of tokens. */
const KEYS = new Set(['secret', 'publicKey', 'mcd', 'validators', 'maxTokenAge']);

export function migrateExpressBearer(migration: Migration): void {
  const calls = migration.project.sources.flatMap((source) =>
    [...walk(source)]
      .filter((node) => source.ts.isCallExpression(node) && bearerName(source, node.expression) === 'auth')
      .map((call) => ({ source, call: call as ts.CallExpression })),
  );
  const [first, ...others] = calls;
  if (first === undefined) {
    const { source, declaration } = migration.root;
    migration.block(source, declaration, `nothing calls auth() of ${BEARER}`);
    return;
  }
  for (const { source, call } of others)
    migration.block(
      source,
      call,
      'auth() is called in several places: decide which call protects which routes',
    );
  migrateOptions(migration, first.source, first.call);
  if (migration.blocking.length > 0) return;
  migratePlace(migration, first.source, first.call);
  for (const source of migration.project.sources) migrateRequests(migration, source);
  reportRequirements(migration);
  if (migration.blocking.length > 0) return;
  migration.uninstall.add(BEARER);
  migration.stricter
    .add('a token in the query (access_token) or in a form was accepted; it is read from the header only')
    .add('ID tokens and other JWTs that are not access tokens are rejected')
    .add('an unreachable provider results in 503 instead of 500');
  importAuthModule(migration);
}

function bearerName(source: SourceFile, node: ts.Expression): string | undefined {
  const imported = source.ts.isIdentifier(node) ? source.importOf(node.text) : undefined;
  return imported?.module === BEARER ? imported.name : undefined;
}

function migrateOptions(migration: Migration, source: SourceFile, call: ts.CallExpression): void {
  const { ts } = source;
  const [options] = call.arguments;
  if (options !== undefined && !ts.isObjectLiteralExpression(options)) {
    migration.block(
      source,
      options,
      'the options are not an object literal: write them into auth({ ... }) first',
    );
    return;
  }
  const take = (from: string, to: string): boolean => {
    const value = propertyOf(source, options, from)?.initializer;
    const text = value && portable(migration, source, value);
    if (value !== undefined && text === undefined)
      migration.lacks(source, value, `${to} is computed by code`);
    if (text !== undefined) migration.options.set(to, text);
    return value !== undefined;
  };
  // The library reads options that are left out from these variables.
  if (!take('issuerBaseURL', 'issuer') && !take('issuer', 'issuer'))
    migration.options.set('issuer', 'process.env.ISSUER_BASE_URL ?? process.env.ISSUER');
  if (!take('audience', 'audience')) migration.options.set('audience', 'process.env.AUDIENCE');
  take('jwksUri', 'jwksUri');
  if (take('tokenSigningAlg', 'tokenSigningAlg')) {
    const text = migration.options.get('tokenSigningAlg');
    migration.options.delete('tokenSigningAlg');
    migration.options.set('signingAlgorithms', `[${text}]`);
  }
  if (!take('clockTolerance', 'clockTolerance')) migration.options.set('clockTolerance', '5');
  take('strict', 'requireAccessTokenType');
  migrateDPoP(migration, source, options);
  if (propertyOf(source, options, 'authRequired')?.initializer.kind === ts.SyntaxKind.FalseKeyword)
    migration.block(
      source,
      call,
      'authRequired: false has no corresponding option; add @OptionalAuth() to these controllers first',
    );
  for (const property of options?.properties ?? []) {
    const name = property.name?.getText() ?? property.getText();
    if (KEYS.has(name)) migration.block(source, property, `option ${name} has no counterpart`);
    else if (!READ.has(name) && !NEEDLESS.has(name)) migration.lacks(source, property, `option ${name}`);
  }
}

function migrateDPoP(migration: Migration, source: SourceFile, options: ts.Expression | undefined): void {
  const value = propertyOf(source, options, 'dpop')?.initializer;
  if (value === undefined) return;
  const isTrue = (name: string): boolean => propertyOf(source, value, name)?.initializer.getText() === 'true';
  if (isTrue('required')) migration.options.set('dpop', "{ mode: 'required' }");
}

/** Replaces a class around `auth()` (guard or middleware), `app.use(auth())`, or `consumer.apply(auth()).forRoutes(...)`. */
function migratePlace(migration: Migration, source: SourceFile, call: ts.CallExpression): void {
  const { ts } = source;
  for (let node: ts.Node = call; node.parent !== undefined; node = node.parent) {
    const { parent } = node;
    if (ts.isCallExpression(parent) && ts.isPropertyAccessExpression(parent.expression)) {
      const method = parent.expression.name.text;
      if (method === 'use') return removeStatement(migration, source, parent);
      if (method === 'apply') return removeApply(migration, source, parent);
    }
    if (ts.isClassDeclaration(parent)) return migrateClass(migration, source, parent);
  }
  migration.block(source, call, 'auth() is stored in a variable: call it where it is used first');
}

function removeStatement(migration: Migration, source: SourceFile, call: ts.CallExpression): void {
  if (call.arguments.length > 1) {
    migration.block(source, call, 'protects only one path: decide which controllers these are');
    return;
  }
  source.remove(source.ts.isExpressionStatement(call.parent) ? call.parent : call);
  migration.change(
    source,
    call,
    'AuthModule guards every route; routes outside of Nest are no longer guarded',
  );
}

function removeApply(migration: Migration, source: SourceFile, apply: ts.CallExpression): void {
  const { ts } = source;
  let chain: ts.Node = apply;
  const methods: string[] = [];
  while (ts.isPropertyAccessExpression(chain.parent) || ts.isCallExpression(chain.parent)) {
    if (ts.isPropertyAccessExpression(chain.parent)) methods.push(chain.parent.name.text);
    chain = chain.parent;
  }
  const routes = /\.forRoutes\(\s*(?:(['"])\/?\{?\*?\/?\w*\}?\1)?\s*\)/.test(chain.getText());
  if (methods.includes('exclude') || !routes || apply.arguments.length > 1) {
    migration.block(
      source,
      chain,
      "protects some routes only: write @Public() on the handlers of the others, and forRoutes('*') here first",
    );
    return;
  }
  source.remove(ts.isExpressionStatement(chain.parent) ? chain.parent : chain);
  migration.change(source, chain, 'AuthModule guards every route');
}

function migrateClass(migration: Migration, source: SourceFile, declaration: ts.ClassDeclaration): void {
  const name = declaration.name?.text ?? '';
  const types =
    declaration.heritageClauses?.flatMap((each) =>
      each.types.map(({ expression }) => expression.getText()),
    ) ?? [];
  if (decidesMore(source, declaration)) {
    migration.block(
      source,
      declaration,
      `${name} checks more than the token: move these checks into a separate guard first`,
    );
    return;
  }
  if (types.includes('CanActivate')) {
    const isGuard = (file: SourceFile, each: ts.Expression): boolean =>
      file.ts.isIdentifier(each) &&
      migration.project.classNamed(each.text, file)?.declaration === declaration;
    guardAs(migration, replaceGlobalGuards(migration, isGuard));
    source.replace(
      declaration,
      `export { AuthGuard as ${name} } from ${source.quote}${OWN_NAME}${source.quote};`,
    );
    migration.change(source, declaration, `${name} is AuthGuard`);
    return;
  }
  if (!types.includes('NestMiddleware')) {
    migration.block(source, declaration, 'neither a guard nor a middleware of Nest calls auth() here');
    return;
  }
  for (const file of migration.project.sources)
    for (const node of walk(file)) {
      const isApply =
        file.ts.isCallExpression(node) &&
        file.ts.isPropertyAccessExpression(node.expression) &&
        node.expression.name.text === 'apply' &&
        node.arguments.some((each) => each.getText() === name);
      if (isApply) removeApply(migration, file, node);
    }
  migration.change(source, declaration, `${name} is no longer used: delete it`);
}

/** Returns whether a class may check more than the token; such checks must not be lost. */
function decidesMore(source: SourceFile, declaration: ts.ClassDeclaration): boolean {
  const { ts } = source;
  for (const node of walk(source, declaration)) {
    if (ts.isConditionalExpression(node)) return true;
    if (ts.isIfStatement(node) && !/^!?(?:e|err|error)$/.test(node.expression.getText())) return true;
    if (!ts.isReturnStatement(node) || node.expression === undefined) continue;
    const isNested =
      ts.isNewExpression(node.expression) && node.expression.expression.getText() === 'Promise';
    if (!isNested && !/^(?:true|(?:resolve|reject|next|this\.\w+)\(.*\))$/s.test(node.expression.getText()))
      return true;
  }
  return false;
}

/** Replaces `req.auth?.payload` with the claims, and `req.auth?.token` with the token. */
function migrateRequests(migration: Migration, source: SourceFile): void {
  const { ts } = source;
  for (const node of walk(source)) {
    if (!ts.isPropertyAccessExpression(node)) continue;
    const inner = ts.isNonNullExpression(node.expression) ? node.expression.expression : node.expression;
    if (!ts.isPropertyAccessExpression(inner) || inner.name.text !== 'auth') continue;
    const request = inner.expression.getText();
    if (!/re(?:q|quest)$/i.test(request)) continue;
    const name = { payload: 'claimsOf', token: 'bearerToken' }[node.name.text];
    if (name === undefined) {
      migration.lacks(source, node, `${node.getText()}: the header of the token is not available`);
      continue;
    }
    source.replace(node, `${source.addImport(name, OWN_NAME)}(${request})`);
    // The result is `undefined` on a route without a token.
    const { parent } = node;
    if (ts.isPropertyAccessExpression(parent) && !parent.questionDotToken) source.insert(node.getEnd(), '?');
    if (ts.isElementAccessExpression(parent) && !parent.questionDotToken) source.insert(node.getEnd(), '?.');
    migration.change(source, node, `${node.getText()} is ${name}(${request})`);
  }
}

/** Reports requirements: they run as middleware or in the application's guards, so it is unknown which handlers they protect. */
function reportRequirements(migration: Migration): void {
  const counterparts: Readonly<Record<string, string>> = {
    requiredScopes: '@Scopes()',
    scopeIncludesAny: '@AnyScope()',
    claimEquals: '@RequireClaims({ claim: value })',
    claimIncludes: '@RequireClaims({ claim: value })',
    claimCheck: '@RequireClaims({ claim: (value, claims) => ... })',
    requiresAuth: 'AuthModule',
  };
  for (const source of migration.project.sources)
    for (const node of walk(source)) {
      if (!source.ts.isCallExpression(node)) continue;
      const counterpart = counterparts[bearerName(source, node.expression) ?? ''];
      if (counterpart === undefined) continue;
      // Without auth() it responds with 500 or 401, so no route is open while it remains.
      migration.block(source, node, `write ${counterpart} to the handlers that this protects, and remove it`);
    }
}
