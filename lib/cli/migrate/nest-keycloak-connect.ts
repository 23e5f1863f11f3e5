/** `migrate nest-keycloak-connect`: replaces its module, guards and decorators with those of this package. */
import type ts from 'typescript';
import { decoratorsOf, indentOf, propertyOf, walk } from '../../codemod/decorators.js';
import type { SourceFile } from '../../codemod/source-file.js';
import { importAuthModule, OWN_NAME, portable } from './auth-module-call.js';
import { groupsOf } from './keycloak-roles.js';
import type { Migration } from './migration.js';
import { listsOf, guardAs, replaceGlobalGuards } from './nest-guards.js';

const KEYCLOAK = 'nest-keycloak-connect';
const GUARDS = ['AuthGuard', 'RoleGuard', 'ResourceGuard'];
const SERVER = ['authServerUrl', 'auth-server-url', 'serverUrl', 'server-url'];
const CLIENT = ['clientId', 'client-id', 'resource'];
const READ = new Set([
  ...SERVER,
  ...CLIENT,
  'realm',
  'secret',
  'tokenValidation',
  'cookieKey',
  'credentials',
]);
/** Options that can be dropped: they configure how the adapter of Keycloak works. */
const NEEDLESS = new Set([
  'logLevels',
  'useNestLogger',
  'bearerOnly',
  'bearer-only',
  'public',
  'public-client',
  'verifyTokenAudience',
  'verify-token-audience',
  'policyEnforcement',
  'ssl-required',
  'confidential-port',
  'minTimeBetweenJwksRequests',
  'min-time-between-jwks-requests',
  'roleMerge',
]);

export function migrateKeycloak(migration: Migration): void {
  const found = findModule(migration);
  if (found === undefined) {
    const { source, declaration } = migration.root;
    migration.block(source, declaration, 'no @Module() imports KeycloakConnectModule');
    return;
  }
  const { source, list, element } = found;
  const options = optionsOf(source, element);
  if (options === undefined) {
    migration.block(
      source,
      element,
      'the options are not an object literal: write them into register({ ... }) or useFactory: () => ({ ... }) first',
    );
    return;
  }
  migrateOptions(migration, source, options);
  source.removeElement(list.elements, element);
  migration.change(source, element, 'KeycloakConnectModule becomes AuthModule');
  const isGuard = (file: SourceFile, each: ts.Expression): boolean =>
    GUARDS.includes(keycloakName(file, each) ?? '');
  guardAs(migration, replaceGlobalGuards(migration, isGuard));
  const client = clientOf(source, options);
  for (const each of migration.project.sources)
    if (each.importsFrom(KEYCLOAK)) migrateFile(migration, each, client);
  if (migration.blocking.length > 0) return;
  migration.uninstall.add(KEYCLOAK).add('keycloak-connect');
  migration.stricter
    .add(
      'aud is checked: add an Audience mapper for this API to Keycloak, and configure its value as the audience',
    )
    .add(
      'the roles of class and handler are both required: with roleMerge OVERRIDE, those of the class replaced those of the handler',
    )
    .add('@Public() on a class opens only handlers that require nothing')
    .add('an unreachable Keycloak results in 503 instead of 401');
  importAuthModule(migration);
}

function findModule({
  project,
}: Migration):
  { source: SourceFile; list: ts.ArrayLiteralExpression; element: ts.CallExpression } | undefined {
  for (const source of project.sources)
    for (const list of listsOf(source, 'imports'))
      for (const element of list.elements)
        if (
          source.ts.isCallExpression(element) &&
          source.ts.isPropertyAccessExpression(element.expression) &&
          keycloakName(source, element.expression.expression) === 'KeycloakConnectModule'
        )
          return { source, list, element };
  return undefined;
}

/** Finds the object literal with the options. */
function optionsOf(source: SourceFile, element: ts.CallExpression): ts.ObjectLiteralExpression | undefined {
  const { ts } = source;
  const [argument] = element.arguments;
  if (argument === undefined || !ts.isObjectLiteralExpression(argument)) return undefined;
  const factory = propertyOf(source, argument, 'useFactory')?.initializer;
  const isAsync = element.expression.getText().endsWith('.registerAsync');
  if (!isAsync) return argument;
  if (factory === undefined || !ts.isArrowFunction(factory)) return undefined;
  const body = ts.isParenthesizedExpression(factory.body) ? factory.body.expression : factory.body;
  if (ts.isObjectLiteralExpression(body)) return body;
  const returned = [...walk(source, body)].filter((each) => ts.isReturnStatement(each));
  const [only] = returned;
  return returned.length === 1 &&
    only?.expression !== undefined &&
    ts.isObjectLiteralExpression(only.expression)
    ? only.expression
    : undefined;
}

function valueOf(
  source: SourceFile,
  options: ts.Expression,
  names: readonly string[],
): ts.Expression | undefined {
  return names
    .map((name) => propertyOf(source, options, name)?.initializer)
    .find((each) => each !== undefined);
}

function migrateOptions(migration: Migration, source: SourceFile, options: ts.ObjectLiteralExpression): void {
  const server = valueOf(source, options, SERVER);
  const realm = valueOf(source, options, ['realm']);
  const texts = [server, realm].map((each) => each && portable(migration, source, each));
  if (texts.every((each) => each !== undefined)) migration.options.set('issuer', issuerOf(texts));
  else migration.lacks(source, options, 'issuer: the address of Keycloak, with /realms/ and the realm');
  const client = valueOf(source, options, CLIENT);
  const clientText = client && portable(migration, source, client);
  if (clientText !== undefined) migration.options.set('audience', clientText);
  migration.options.set('groupOptions', "{ groupsClaim: 'realm_access.roles' }");
  migrateValidation(migration, source, options, clientText);
  for (const property of options.properties) {
    const name = property.name?.getText().replaceAll(/['"]/g, '') ?? property.getText();
    if (name === 'policyEnforcement' && !/PERMISSIVE|permissive/.test(property.getText()))
      migration.block(
        source,
        property,
        'ENFORCING rejects routes without @Resource() and @Scopes(): decide which routes these are',
      );
    else if (name === 'multiTenant')
      migration.block(source, property, 'multiTenant: write issuers by hand first');
    else if (!READ.has(name) && !NEEDLESS.has(name)) migration.lacks(source, property, `option ${name}`);
  }
}

function issuerOf([server = '', realm = '']: readonly (string | undefined)[]): string {
  const literals = [server, realm].map((each) => /^(['"])([^'"]*)\1$/.exec(each)?.[2]);
  const base = (literals[0] ?? `\${${server}}`).replace(/\/$/, '');
  const name = literals[1] ?? `\${${realm}}`;
  const text = `${base}/realms/${name}`;
  return literals.every((each) => each !== undefined) ? `'${text}'` : `\`${text}\``;
}

/** Migrates `tokenValidation`. Its default in nest-keycloak-connect is ONLINE: each token is introspected. */
function migrateValidation(
  migration: Migration,
  source: SourceFile,
  options: ts.Expression,
  client: string | undefined,
): void {
  const validation = valueOf(source, options, ['tokenValidation'])?.getText() ?? 'ONLINE';
  if (/NONE/.test(validation))
    migration.stricter.add('tokenValidation NONE: tokens were not verified, and are now');
  const cookie = valueOf(source, options, ['cookieKey'])?.getText() ?? `'KEYCLOAK_JWT'`;
  if (
    migration.project.sources.some(
      (each) => each.importsFrom('cookie-parser') || each.importsFrom('@fastify/cookie'),
    )
  )
    migration.options.set(
      'tokenResolver',
      `(request: any) => request.cookies?.[${cookie}] ?? ${migration.root.source.addImport('bearerToken', OWN_NAME)}(request)`,
    );
  if (!/ONLINE/.test(validation)) return;
  const credentials = valueOf(source, options, ['credentials']);
  const secret =
    valueOf(source, options, ['secret']) ?? (credentials && valueOf(source, credentials, ['secret']));
  const text = secret && portable(migration, source, secret);
  if (client === undefined || text === undefined) {
    migration.lacks(
      source,
      options,
      'tokenValidation ONLINE: set introspectJwtTokens, clientId and clientSecret',
    );
    return;
  }
  migration.options.set('introspectJwtTokens', 'true');
  // No cache: each token is introspected, as before.
  migration.options.set('introspectionCacheDuration', '0');
  migration.options.set('clientId', client);
  migration.options.set('clientSecret', text);
}

function clientOf(source: SourceFile, options: ts.Expression): string | undefined {
  return /^(['"])([^'"]*)\1$/.exec(valueOf(source, options, CLIENT)?.getText() ?? '')?.[2];
}

function keycloakName(source: SourceFile, node: ts.Expression): string | undefined {
  const imported = source.ts.isIdentifier(node) ? source.importOf(node.text) : undefined;
  return imported?.module === KEYCLOAK ? imported.name : undefined;
}

function migrateFile(migration: Migration, source: SourceFile, client: string | undefined): void {
  const { ts } = source;
  for (const { local, module } of source.imports) if (module === KEYCLOAK) source.release(local);
  for (const node of walk(source)) {
    if (!ts.canHaveDecorators(node)) continue;
    for (const decorator of decoratorsOf(source, node)) {
      const name = source.importOf(decorator.name);
      if (name?.module === KEYCLOAK) migrateDecorator(migration, source, decorator.node, name.name, client);
      else if (name?.name === 'UseGuards') migrateUseGuards(migration, source, decorator.node);
    }
  }
  for (const node of walk(source)) {
    const isToken = ts.isPropertyAccessExpression(node) && node.name.text === 'accessTokenJWT';
    if (!isToken) continue;
    source.replace(node, `${source.addImport('bearerToken', OWN_NAME)}(${node.expression.getText()})`);
    migration.change(
      source,
      node,
      'accessTokenJWT becomes bearerToken(request); @AccessToken() returns the same token',
    );
  }
}

function migrateUseGuards(migration: Migration, source: SourceFile, decorator: ts.Decorator): void {
  const call = decorator.expression as ts.CallExpression;
  const others = call.arguments.filter((each) => keycloakName(source, each) === undefined);
  if (others.length === call.arguments.length) return;
  const hasAuth = call.arguments.some((each) => keycloakName(source, each) === 'AuthGuard');
  const left = [
    ...(hasAuth && !migration.globalGuard ? [source.addImport('AuthGuard', OWN_NAME)] : []),
    ...others.map((each) => each.getText()),
  ];
  if (left.length === 0) source.remove(decorator);
  else source.replace(decorator, `@${call.expression.getText()}(${left.join(', ')})`);
  migration.change(source, decorator, 'RoleGuard and ResourceGuard are part of AuthGuard');
}

function migrateDecorator(
  migration: Migration,
  source: SourceFile,
  node: ts.Decorator,
  name: string,
  client: string | undefined,
): void {
  const call = node.expression as ts.CallExpression;
  const own = (exported: string): string => source.addImport(exported, OWN_NAME);
  switch (name) {
    case 'Public':
    case 'Unprotected': {
      const isOptional = call.arguments[0]?.kind === source.ts.SyntaxKind.FalseKeyword;
      source.replace(node, `@${own(isOptional ? 'OptionalAuth' : 'Public')}()`);
      migration.change(source, node, `${node.getText()} is @${isOptional ? 'OptionalAuth' : 'Public'}()`);
      if (isOptional)
        migration.stricter.add(
          '@Public(false): an invalid token is still rejected; an empty header now results in 401',
        );
      return;
    }
    case 'AuthenticatedUser':
    case 'KeycloakUser':
      source.replace(node, `@${own('Claims')}(${call.arguments.map((each) => each.getText()).join(', ')})`);
      migration.change(source, node, `@${name}() is @Claims()`);
      return;
    case 'AccessToken':
      source.replace(node, `@${own('AccessToken')}()`);
      return;
    case 'Roles': {
      const groups = groupsOf(source, call.arguments, client);
      if (groups === undefined)
        refuse(migration, source, node, 'the roles are not literals, or belong to several clients');
      else if (groups === '') source.remove(node);
      else {
        const text = groups.replaceAll('@Groups(', `@${own('Groups')}(`);
        source.replace(node, text.replaceAll('\n', `\n${indentOf(source, node)}`));
        migration.change(source, node, `@Roles() becomes ${groups.replaceAll(/\s+/g, ' ')}`);
      }
      return;
    }
    case 'Resource':
    case 'EnforcerOptions':
      source.remove(node);
      migration.change(
        source,
        node,
        `@${name}() configures how Keycloak is called for a decision, which has no counterpart`,
      );
      return;
    default:
      refuse(
        migration,
        source,
        node,
        `@${name}() requires a decision of Keycloak's Authorization Services, which have no counterpart`,
      );
  }
}

/** Rejects every request until the developer decides: without the requirement, the route would be open to more callers. */
function refuse(migration: Migration, source: SourceFile, node: ts.Decorator, why: string): void {
  const text = node.getText().replaceAll(/\s+/g, ' ');
  source.replace(
    node,
    `@${source.addImport('RequireClaims', OWN_NAME)}({ sub: () => false }) /* was ${text.replaceAll('*/', '')} */`,
  );
  migration.lacks(source, node, `${why}: the route rejects every request until you declare who may call it`);
  migration.stricter.add('routes with requirements that have no counterpart reject every request: see above');
}
