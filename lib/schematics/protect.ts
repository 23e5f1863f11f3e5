/**
 * `nest g -c nestjs-resource-server protect <controller>`: adds decorators to handlers that have none, derived from their
 * routes. The result is a proposal: it never opens a route, and lists what the developer has to decide.
 */
import { basename } from 'node:path';
import type ts from 'typescript';
import { classesOf, decoratorsOf, indentOf, methodsOf, type DecoratorCall } from '../codemod/decorators.js';
import { Project } from '../codemod/project.js';
import type { SourceFile } from '../codemod/source-file.js';
import { loadTypeScript } from '../codemod/typescript.js';
import { filesOf, sourceRootOf, write, type Rule } from './schematic.js';

interface Options {
  readonly name?: string;
  readonly sourceRoot?: string;
}

interface Handler {
  readonly method: ts.MethodDeclaration;
  readonly verb: string;
  readonly path: string;
}

const OWN_NAME = 'nestjs-resource-server';
const READING = ['Get', 'Head', 'Options', 'Sse', 'Search'];
const WRITING = ['Post', 'Put', 'Patch', 'Delete', 'All'];
const DECLARING = [
  'Scopes',
  'AnyScope',
  'Groups',
  'RequireClaims',
  'StepUp',
  'CertBound',
  'DPoPBound',
  'Introspect',
  'OptionalAuth',
  'Public',
];

const OPEN = /\b(?:health\w*|live(?:z|ness)?|ready|readiness|status|ping|version|metrics|robots|favicon)\b/i;
const SIGN_IN = /\b(?:log-?in|sign-?in|sign-?up|register|refresh|callback|forgot|reset-password)\b/i;
const WEBHOOK = /\bweb-?hooks?\b/i;
const ADMIN = /\badmin/i;
const MONEY = /\b(?:pay(?:ment|out)?s?|transfers?|withdraw\w*|refunds?)\b/i;
const TENANT = /:(tenant|org(?:anization)?|account|workspace|customer)_?Id\b/i;

/** @throws {Error} if there is no such controller, or several */
export function protect(options: Options = {}): Rule {
  return (tree, context) => {
    const project = new Project(loadTypeScript(process.cwd()), filesOf(tree), sourceRootOf(options));
    const { source, declaration } = findController(project, options.name ?? '');
    const proposals = propose(source, declaration);
    write(tree, source.path, source.print());
    context.logger.info(
      proposals.length === 0
        ? `${source.path}: every handler declares something already`
        : `${source.path}, a proposal to review and adapt:\n${proposals.map((each) => `  ${each}\n`).join('')}`,
    );
    return tree;
  };
}

function findController(
  project: Project,
  name: string,
): { source: SourceFile; declaration: ts.ClassDeclaration } {
  const wanted = basename(name).replace(/\.controller(?:\.ts)?$|-controller$/, '');
  const found = project.sources.flatMap((source) =>
    classesOf(source)
      .filter((each) => controllerOf(source, each) !== undefined)
      .map((declaration) => ({ source, declaration })),
  );
  const named = found.filter(
    ({ source, declaration }) =>
      kebab(declaration.name?.text ?? '').replace(/-controller$/, '') === wanted ||
      basename(source.path).replace(/\.controller\.[jt]s$/, '') === wanted,
  );
  const [first, second] = named;
  if (first === undefined)
    throw new Error(`no controller ${name} in ${project.sourceRoot}; there ${thereAre(found)}`);
  if (second !== undefined && first.declaration !== second.declaration) {
    const inFolder = named.filter(({ source }) => source.path.includes(name));
    if (inFolder.length === 1 && inFolder[0] !== undefined) return inFolder[0];
    throw new Error(
      `several controllers are called ${name}: ${named.map(({ source }) => source.path).join(', ')}`,
    );
  }
  return first;
}

function thereAre(found: readonly { readonly declaration: ts.ClassDeclaration }[]): string {
  return found.length === 0
    ? 'is none at all'
    : `are ${found.map(({ declaration }) => declaration.name?.text ?? 'one without a name').join(', ')}`;
}

function propose(source: SourceFile, declaration: ts.ClassDeclaration): string[] {
  const controller = controllerOf(source, declaration);
  if (controller === undefined || isDeclared(source, declaration)) return [];
  const prefix = firstPath(source, controller);
  const resource = resourceOf(prefix, source.path);
  return methodsOf(source, declaration)
    .flatMap((method) => handlersOf(source, method, prefix))
    .filter(({ method }) => !isDeclared(source, method))
    .map((handler) => decorate(source, handler, resource));
}

function decorate(source: SourceFile, { method, verb, path }: Handler, resource: string): string {
  const route = `${verb.toUpperCase()} ${path}`;
  const words = `${path} ${kebab(method.name.getText())}`;
  // The developer decides whether to open a route: without a decorator it requires a token.
  if (OPEN.test(words)) return `${route}: may need no token; if so, add @Public()`;
  if (SIGN_IN.test(words))
    return `${route}: looks like a sign-in, which the issuer handles; remove it, or add @Public()`;
  if (WEBHOOK.test(words)) return `${route}: looks like a webhook; add @Public(), and check its signature`;
  const { quote } = source;
  const scope = `${READING.includes(verb) ? 'read' : 'write'}:${resource}`;
  const decorators = [`@${source.addImport('Scopes', OWN_NAME)}(${quote}${scope}${quote})`];
  if (ADMIN.test(words)) decorators.push(`@${source.addImport('Groups', OWN_NAME)}(${quote}admin${quote})`);
  const start = (source.ts.getDecorators(method)?.[0] ?? method).getStart();
  const indent = indentOf(source, source.ts.getDecorators(method)?.[0] ?? method);
  source.insert(start, decorators.map((each) => `${each}\n${indent}`).join(''));
  return `${route}: ${decorators.join(' ')}${hint(path, words)}`;
}

function hint(path: string, words: string): string {
  const [parameter, kind] = TENANT.exec(path) ?? [];
  const hints = [
    parameter && kind
      ? `@RequireClaims({ ${kind.toLowerCase()}_id: { param: '${parameter.slice(1)}' } }), if tokens name it`
      : undefined,
    MONEY.test(words) ? '@StepUp({ maxAge: 300 }) or @DPoPBound()' : undefined,
  ].filter((each) => each !== undefined);
  return hints.length === 0 ? '' : `; consider ${hints.join(', ')}`;
}

function controllerOf(source: SourceFile, declaration: ts.ClassDeclaration): DecoratorCall | undefined {
  return decoratorsOf(source, declaration).find(({ name }) => nestName(source, name) === 'Controller');
}

function handlersOf(source: SourceFile, method: ts.MethodDeclaration, prefix: string): Handler[] {
  const call = decoratorsOf(source, method).find(({ name }) =>
    [...READING, ...WRITING].includes(nestName(source, name) ?? ''),
  );
  if (call === undefined) return [];
  const path = `/${[prefix, firstPath(source, call)].filter((each) => each !== '').join('/')}`;
  return [{ method, verb: nestName(source, call.name) ?? '', path: path.replaceAll(/\/+/g, '/') }];
}

function nestName(source: SourceFile, local: string): string | undefined {
  const imported = source.importOf(local);
  return imported?.module === '@nestjs/common' ? imported.name : undefined;
}

function isDeclared(source: SourceFile, node: ts.Node): boolean {
  return decoratorsOf(source, node).some(({ name }) => {
    const imported = source.importOf(name);
    return imported?.module === OWN_NAME && DECLARING.includes(imported.name);
  });
}

/** Returns the first path of a decorator; `''` if it has none, or none that is a string literal. */
function firstPath({ ts }: SourceFile, { args }: DecoratorCall): string {
  const [argument] = args;
  if (argument === undefined) return '';
  if (ts.isStringLiteral(argument)) return argument.text;
  if (ts.isArrayLiteralExpression(argument)) {
    const [first] = argument.elements;
    return first !== undefined && ts.isStringLiteral(first) ? first.text : '';
  }
  if (!ts.isObjectLiteralExpression(argument)) return '';
  for (const property of argument.properties)
    if (
      ts.isPropertyAssignment(property) &&
      property.name.getText() === 'path' &&
      ts.isStringLiteral(property.initializer)
    )
      return property.initializer.text;
  return '';
}

/** Returns the last name in the controller's path, else the name of its file. */
function resourceOf(prefix: string, path: string): string {
  const name = prefix
    .split('/')
    .filter((each) => /^[\w-]+$/.test(each) && !/^v\d+$|^api$/.test(each))
    .at(-1);
  return name ?? basename(path).replace(/(?:\.controller)?\.[jt]s$/, '');
}

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z\d])(?=[A-Z])/g, '-').toLowerCase();
}
