/** What a migration has found and changed so far. */
import type ts from 'typescript';
import type { Project, RootModule } from '../../codemod/project.js';
import type { SourceFile } from '../../codemod/source-file.js';

/** Something at one place of the application. */
export interface Note {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** A parameter of the factory that makes the options. */
export interface Injected {
  readonly parameter: string;
  readonly type: string;
  readonly module: string;
}

export class Migration {
  readonly changed: Note[] = [];
  /** A person has to look at them. */
  readonly withoutEquivalent: Note[] = [];
  /** With one of these nothing is written: the result would let through what was refused before. */
  readonly blocking: Note[] = [];
  readonly stricter = new Set<string>();
  readonly uninstall = new Set<string>();
  /** Options of AuthModule, as source text. */
  readonly options = new Map<string, string>();
  readonly injected = new Map<string, Injected>();
  /** Modules that export what the factory injects. */
  readonly factoryImports: { readonly name: string; readonly module: string }[] = [];
  /** `false`: guards stand on controllers, as they did. */
  globalGuard = true;

  constructor(
    readonly project: Project,
    readonly root: RootModule,
  ) {}

  change(source: SourceFile, node: ts.Node, text: string): void {
    this.changed.push(noteAt(source, node, text));
  }

  lacks(source: SourceFile, node: ts.Node, text: string): void {
    this.withoutEquivalent.push(noteAt(source, node, text));
  }

  block(source: SourceFile, node: ts.Node, text: string): void {
    this.blocking.push(noteAt(source, node, text));
  }
}

function noteAt(source: SourceFile, node: ts.Node, text: string): Note {
  return { file: source.path, line: source.lineOf(node), text };
}
