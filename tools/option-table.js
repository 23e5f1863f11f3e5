/**
 * Generates the table of options in docs/options.md, between its two marks: names, order and defaults from
 * lib/options/settings.ts, meanings from the first paragraph of the docstrings.
 *
 *     node tools/option-table.js            writes the table
 *     node tools/option-table.js --check    fails if docs/options.md differs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const optionsFile = join(root, 'lib', 'options', 'auth-options.ts');
const settingsFile = join(root, 'lib', 'options', 'settings.ts');
const page = join(root, 'docs', 'options.md');
const [START, END] = ['<!-- options: made by tools/option-table.js -->', '<!-- /options -->'];

const { config } = ts.readConfigFile(join(root, 'tsconfig.build.json'), (path) => ts.sys.readFile(path));
const { options: compilerOptions } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram([optionsFile, settingsFile], compilerOptions);
const checker = program.getTypeChecker();
const [optionsSource, settingsSource] = [optionsFile, settingsFile].map((file) =>
  program.getSourceFile(file),
);

function mistake(message) {
  throw new Error(`option table: ${message}`);
}

/** The value of a top-level `export const` of settings.ts. */
function constantOf(name) {
  const statement = settingsSource.statements.find(
    (each) => ts.isVariableStatement(each) && each.declarationList.declarations[0].name.getText() === name,
  );
  return statement?.declarationList.declarations[0].initializer ?? mistake(`no ${name} in settings.ts`);
}

const membersOf = (literal) =>
  literal.properties.map((property) => [property.name.text, property.initializer ?? property.name]);

const variables = Object.fromEntries(
  membersOf(constantOf('VARIABLES')).map(([option, names]) => [
    option,
    names.elements.map((element) => element.text),
  ]),
);

/** `['dpop.mode', "'when_present'"]` and so on, in the order of the schema; groups of options are opened up. */
function readSchema(call, prefix = '') {
  return membersOf(call.arguments[0]).flatMap(([name, value]) => {
    const callee = ts.isCallExpression(value) ? value.expression.getText() : '';
    if (callee === 'z.strictObject') return readSchema(value, `${prefix}${name}.`);
    return [[prefix + name, callee === 'z._default' ? literalOf(value.arguments[1]) : undefined]];
  });
}

/** `undefined` for what is put together there: the docstring says it in words. */
function literalOf(node) {
  if (ts.isStringLiteral(node)) return `'${node.text}'`;
  if (ts.isNumericLiteral(node)) return String(Number(node.text));
  if ([ts.SyntaxKind.TrueKeyword, ts.SyntaxKind.FalseKeyword].includes(node.kind)) return node.getText();
  return undefined;
}

const ISSUERS = ['issuer', 'issuers'];

function interfaceOf(name) {
  const found = optionsSource.statements.find(
    (each) => ts.isInterfaceDeclaration(each) && each.name.text === name,
  );
  return checker.getTypeAtLocation(found ?? mistake(`no ${name} in auth-options.ts`));
}

function propertyOf(type, path) {
  const [name, ...rest] = path.split('.');
  // Of several issuers each has its own: these stand in what applications write only.
  const holder = ISSUERS.includes(path) ? interfaceOf('AuthModuleOptions') : type;
  const property = holder.getProperty(name) ?? mistake(`${path} has no type`);
  return rest.length === 0 ? property : propertyOf(checker.getTypeOfSymbol(property), rest.join('.'));
}

/** What the docstring says, with its links relative to docs/options.md. */
function readDocstring(symbol) {
  const { fileName } = symbol.declarations[0].getSourceFile();
  const seenFromPage = (text) =>
    text.replaceAll(
      /\]\((\.[^)#]*)/g,
      (_, path) => `](${relative(dirname(page), resolve(dirname(fileName), path)).replaceAll('\\', '/')}`,
    );
  const written = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  const [first] = written.replaceAll(/\{@link (\w+)\}/g, '`$1`').split(/\n\s*\n/);
  const tag = symbol.getJsDocTags(checker).find(({ name }) => name === 'default');
  return {
    meaning: seenFromPage(first.replaceAll(/\s*\n\s*/g, ' ').trim()),
    fallback:
      tag &&
      ts
        .displayPartsToString(tag.text)
        .replaceAll(/\s*\n\s*/g, ' ')
        .trim(),
    optional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
  };
}

function row(option, schemaDefault, type, alias) {
  const { meaning, fallback, optional } = readDocstring(propertyOf(type, option));
  if (meaning === '') mistake(`${option} has no docstring`);
  if (schemaDefault !== undefined && schemaDefault !== fallback) {
    mistake(`${option}: the default is ${schemaDefault}, its docstring says ${fallback}`);
  }
  const code = (names) => names.map((name) => `\`${name}\``).join(', or ');
  const needed = (!optional || option === 'issuer') && fallback === undefined ? 'required' : '';
  return [
    code(alias ? [option, alias] : [option]),
    code(variables[option] ?? []),
    fallback === undefined ? needed : defaultCell(fallback, schemaDefault),
    meaning,
  ];
}

/** Values as code, words as they are. */
function defaultCell(fallback, schemaDefault) {
  const quoted = /^'(.*)'$/.exec(fallback);
  return quoted || schemaDefault !== undefined ? `\`${quoted?.[1] ?? fallback}\`` : fallback;
}

function makeTable() {
  const resolved = interfaceOf('ResolvedOptions');
  const given = interfaceOf('AuthModuleOptions');
  const schema = readSchema(constantOf('optionsSchema'));
  const known = new Set(schema.map(([option]) => option.split('.')[0]));
  const own = given.getProperties().filter(({ name }) => !known.has(name));
  const aliases = Object.fromEntries(
    own.flatMap((symbol) => {
      const [, of] = /^Another name of `(\w+)`/.exec(readDocstring(symbol).meaning) ?? [];
      return of ? [[of, symbol.name]] : [];
    }),
  );
  const others = own.map(({ name }) => name).filter((name) => !Object.values(aliases).includes(name));
  const rows = [
    ['option', 'variable', 'default', 'meaning'],
    ['---', '---', '---', '---'],
    ...schema.map(([option, fallback]) => row(option, fallback, resolved, aliases[option])),
    ...others.map((option) => row(option, undefined, given)),
  ];
  const without = Object.keys(variables).filter((name) => !schema.some(([option]) => option === name));
  if (without.length > 0) mistake(`variables of no option: ${without.join(', ')}`);
  return rows
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`)
    .map((line) => line.replaceAll(/\|  (?=\|)/g, '| '))
    .join('\n');
}

const text = readFileSync(page, 'utf8');
const [start, end] = [text.indexOf(START), text.indexOf(END)];
if (start === -1 || end < start) mistake(`docs/options.md has no ${START} … ${END}`);
const made = `${text.slice(0, start)}${START}\n\n${makeTable()}\n\n${text.slice(end)}`;
if (!process.argv.includes('--check')) {
  writeFileSync(page, made);
} else if (made !== text) {
  console.error('The table of options in docs/options.md is out of date: run `node tools/option-table.js`.');
  process.exitCode = 1;
}
