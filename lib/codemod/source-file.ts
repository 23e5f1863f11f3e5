/** A source file that is read as a syntax tree and edited as text, so that the rest of the text remains unchanged. */
import type ts from 'typescript';
import type { TypeScript } from './typescript.js';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface NamedImport {
  readonly module: string;
  readonly name: string;
  readonly local: string;
  readonly typeOnly: boolean;
}

/** The default of prettier, which Nest projects use. */
const PRINT_WIDTH = 80;

export class SourceFile {
  readonly ast: ts.SourceFile;
  readonly imports: readonly NamedImport[];
  /** The quote that the imports of this file use: `'` or `"`. */
  readonly quote: string;
  readonly #edits: Edit[] = [];
  readonly #added: NamedImport[] = [];
  readonly #released = new Set<NamedImport>();
  readonly #removed = new Map<ts.NodeArray<ts.Node>, Set<ts.Node>>();

  constructor(
    readonly ts: TypeScript,
    readonly path: string,
    readonly text: string,
  ) {
    this.ast = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    this.imports = this.#declarations().flatMap((each) => this.#namesOf(each));
    this.quote = /^import [^;]*?(['"])/m.exec(text)?.[1] ?? "'";
  }

  /** Returns the line of a node; the first line is 1. */
  lineOf(node: ts.Node): number {
    return this.ast.getLineAndCharacterOfPosition(node.getStart(this.ast)).line + 1;
  }

  /** Returns the local name of an import from a module. */
  localNameOf(name: string, module: string): string | undefined {
    return this.imports.find((each) => each.name === name && each.module === module)?.local;
  }

  /** Returns the import that an identifier of this file refers to. */
  importOf(local: string): NamedImport | undefined {
    return this.imports.find((each) => each.local === local);
  }

  importsFrom(module: string): boolean {
    return this.#declarations().some((each) => moduleOf(this.ts, each) === module);
  }

  /** @returns the local name: `alias` if the file already uses `name` for something else */
  addImport(name: string, module: string, alias = `ResourceServer${name.replace(/^Auth/, '')}`): string {
    const known = [...this.imports, ...this.#added].find(
      (each) => each.name === name && each.module === module && !each.typeOnly,
    );
    if (known !== undefined) return known.local;
    const local = this.#declares(name, module) ? alias : name;
    this.#added.push({ module, name, local, typeOnly: false });
    return local;
  }

  replace(node: ts.Node, text: string): void {
    this.#edits.push({ start: node.getStart(this.ast), end: node.getEnd(), text });
  }

  insert(position: number, text: string): void {
    this.#edits.push({ start: position, end: position, text });
  }

  /** Removes a node, and its lines if nothing else is on them. */
  remove(node: ts.Node): void {
    this.removeRange(node.getStart(this.ast), node.getEnd());
  }

  removeRange(start: number, end: number): void {
    const lineStart = this.text.lastIndexOf('\n', start - 1) + 1;
    const next = this.text.indexOf('\n', end);
    const lineEnd = next === -1 ? this.text.length : next + 1;
    const isAlone =
      this.text.slice(lineStart, start).trim() === '' && this.text.slice(end, lineEnd).trim() === '';
    if (isAlone) this.#edits.push({ start: lineStart, end: lineEnd, text: '' });
    else {
      const spaces = /^[ \t]+/.exec(this.text.slice(end))?.[0].length ?? 0;
      this.#edits.push({ start, end: end + spaces, text: '' });
    }
  }

  /** Removes one element of a list, with its comma. */
  removeElement(list: ts.NodeArray<ts.Node>, element: ts.Node): void {
    const removed = this.#removed.get(list) ?? new Set();
    this.#removed.set(list, removed.add(element));
  }

  /** Returns the elements that are not removed. */
  remaining<N extends ts.Node>(list: ts.NodeArray<N>): N[] {
    return list.filter((each) => this.#removed.get(list)?.has(each) !== true);
  }

  /** Marks a name that is replaced everywhere in this file: its import is removed, and the name can be used again. */
  release(local: string): void {
    const found = this.importOf(local);
    if (found !== undefined) this.#released.add(found);
  }

  get isEdited(): boolean {
    return this.#edits.length > 0 || this.#added.length > 0 || this.#removed.size > 0;
  }

  /** Returns the text after all edits, without imports that are no longer used. */
  print(): string {
    if (!this.isEdited) return this.text;
    this.#removeElements();
    this.#addImports();
    const edits = this.#edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
    let text = '';
    let at = 0;
    for (const edit of edits) {
      // This edit is inside a range that is already replaced.
      if (edit.start < at) continue;
      text += this.text.slice(at, edit.start) + edit.text;
      at = edit.end;
    }
    const printed = this.#withoutUnused(text + this.text.slice(at));
    return /^\s*\n/.test(this.text) ? printed : printed.replace(/^\n+/, '');
  }

  #removeElements(): void {
    for (const [list, removed] of this.#removed) {
      const last = list.findLastIndex((each) => !removed.has(each));
      for (const [index, element] of list.entries()) {
        const next = list[index + 1];
        if (index < last && removed.has(element) && next !== undefined)
          this.#edits.push({ start: element.getStart(), end: next.getStart(), text: '' });
      }
      const first = list[last + 1];
      if (first === undefined) continue;
      const before = list[last]?.getEnd();
      const isOnOwnLines = this.text.slice(list.pos, first.getStart()).includes('\n');
      if (before === undefined) {
        // No element is left: remove the white space of the list as well.
        const blank = /^\s*/.exec(this.text.slice(list.end))?.[0].length ?? 0;
        this.#edits.push({ start: list.pos, end: list.end + blank, text: '' });
      } else this.#edits.push({ start: before, end: list.end, text: isOnOwnLines ? ',' : '' });
    }
    this.#removed.clear();
  }

  #declarations(): ts.ImportDeclaration[] {
    return this.ast.statements.filter((each) => this.ts.isImportDeclaration(each));
  }

  #namesOf(declaration: ts.ImportDeclaration): NamedImport[] {
    const module = moduleOf(this.ts, declaration);
    const clause = declaration.importClause;
    const named = clause?.namedBindings;
    const names: NamedImport[] = clause?.name
      ? [{ module, name: 'default', local: clause.name.text, typeOnly: clause.isTypeOnly }]
      : [];
    if (named !== undefined && this.ts.isNamedImports(named))
      for (const each of named.elements)
        names.push({
          module,
          name: (each.propertyName ?? each.name).text,
          local: each.name.text,
          typeOnly: each.isTypeOnly || clause?.isTypeOnly === true,
        });
    if (named !== undefined && this.ts.isNamespaceImport(named))
      names.push({ module, name: '*', local: named.name.text, typeOnly: clause?.isTypeOnly === true });
    return names;
  }

  /** Returns whether the file, after the edits, uses this name for something else. */
  #declares(name: string, module: string): boolean {
    const isTaken = (each: NamedImport): boolean => each.local === name && each.module !== module;
    if (this.imports.some((each) => isTaken(each) && !this.#released.has(each))) return true;
    return (
      this.ast.statements.some(
        (each) =>
          (this.ts.isClassDeclaration(each) ||
            this.ts.isFunctionDeclaration(each) ||
            this.ts.isInterfaceDeclaration(each)) &&
          each.name?.text === name,
      ) || new RegExp(`\\b(?:const|let|var) ${name}\\b`).test(this.text)
    );
  }

  #addImports(): void {
    const modules = new Set(this.#added.map(({ module }) => module));
    const written: string[] = [];
    for (const module of modules) {
      const names = this.#added
        .filter((each) => each.module === module)
        .toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
      const there = this.#declarations().find(
        (each) =>
          moduleOf(this.ts, each) === module &&
          each.importClause?.isTypeOnly !== true &&
          each.importClause?.namedBindings !== undefined &&
          this.ts.isNamedImports(each.importClause.namedBindings),
      );
      const bindings = there?.importClause?.namedBindings;
      const parts = [
        ...(bindings !== undefined && this.ts.isNamedImports(bindings)
          ? bindings.elements.map((each) => each.getText())
          : []),
        ...names.map(({ name, local }) => (name === local ? name : `${name} as ${local}`)),
      ];
      if (bindings !== undefined && there !== undefined) {
        const rest = there.getText().length - bindings.getText().length;
        this.replace(bindings, namedBindings(parts, rest));
      } else {
        const tail = ` from ${this.quote}${module}${this.quote};`;
        written.push(`import ${namedBindings(parts, 'import '.length + tail.length)}${tail}\n`);
      }
    }
    if (written.length === 0) return;
    // After the last import of a package, before those of the application's own files.
    const after = this.#declarations().findLast((each) => !moduleOf(this.ts, each).startsWith('.'));
    const first = this.#declarations()[0];
    const position = after ? lineAfter(this.text, after.getEnd()) : (first?.getStart() ?? 0);
    this.insert(position, written.join(''));
  }

  #withoutUnused(text: string): string {
    const after = new SourceFileReader(this.ts, this.path, text);
    const before = new SourceFileReader(this.ts, this.path, this.text);
    const isGone = (local: string, module: string): boolean =>
      [...this.#released].some((each) => each.local === local && each.module === module) ||
      (!after.uses(local) && before.uses(local));
    return after.withoutImports(isGone);
  }
}

/** Finds the names that a text uses, and removes imports from it. */
class SourceFileReader {
  readonly #ast: ts.SourceFile;
  readonly #used = new Set<string>();

  constructor(
    private readonly ts: TypeScript,
    path: string,
    private readonly text: string,
  ) {
    this.#ast = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    for (const statement of this.#ast.statements)
      if (!ts.isImportDeclaration(statement)) this.#read(statement);
  }

  uses(local: string): boolean {
    return this.#used.has(local);
  }

  withoutImports(isGone: (local: string, module: string) => boolean): string {
    let { text } = this;
    for (const declaration of this.#ast.statements.toReversed()) {
      if (!this.ts.isImportDeclaration(declaration)) continue;
      const module = moduleOf(this.ts, declaration);
      const clause = declaration.importClause;
      const bindings = clause?.namedBindings;
      if (clause?.name !== undefined && bindings === undefined && isGone(clause.name.text, module)) {
        text = cutLine(text, declaration);
        continue;
      }
      if (bindings === undefined || !this.ts.isNamedImports(bindings)) continue;
      const left = bindings.elements.filter((each) => !isGone(each.name.text, module));
      if (left.length === bindings.elements.length) continue;
      if (left.length === 0 && clause?.name === undefined) {
        text = cutLine(text, declaration);
        continue;
      }
      const rest = declaration.getText().length - bindings.getText().length;
      const parts = left.map((each) => each.getText());
      text = text.slice(0, bindings.getStart()) + namedBindings(parts, rest) + text.slice(bindings.getEnd());
    }
    return text;
  }

  #read(node: ts.Node): void {
    // The names in a re-export belong to another file.
    if (this.ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) return;
    const { parent } = node;
    const isMember =
      parent !== undefined && this.ts.isPropertyAccessExpression(parent) && parent.name === node;
    if (this.ts.isIdentifier(node) && !isMember) this.#used.add(node.text);
    this.ts.forEachChild(node, (child) => this.#read(child));
  }
}

export function moduleOf(
  typescript: TypeScript,
  declaration: ts.ImportDeclaration | ts.ExportDeclaration,
): string {
  const specifier = declaration.moduleSpecifier;
  return specifier !== undefined && typescript.isStringLiteral(specifier) ? specifier.text : '';
}

function namedBindings(parts: readonly string[], rest: number): string {
  const line = `{ ${parts.join(', ')} }`;
  return line.length + rest <= PRINT_WIDTH ? line : `{\n${parts.map((each) => `  ${each},\n`).join('')}}`;
}

/** Returns `[a, b]`, on one line if it fits when it begins at `column`. */
export function printList(parts: readonly string[], column: number, indent: string): string {
  const line = `[${parts.join(', ')}]`;
  // One more character for the comma after the list.
  if (!line.includes('\n') && column + line.length + 1 <= PRINT_WIDTH) return line;
  return `[\n${parts.map((each) => `${indent}  ${each},\n`).join('')}${indent}]`;
}

function lineAfter(text: string, position: number): number {
  const end = text.indexOf('\n', position);
  return end === -1 ? text.length : end + 1;
}

function cutLine(text: string, node: ts.Node): string {
  return text.slice(0, node.getStart()) + text.slice(lineAfter(text, node.getEnd()));
}
