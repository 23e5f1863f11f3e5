/** Collects what a migration finds and changes. */
import type ts from 'typescript';
import type { Project, RootModule } from '../../codemod/project.js';
import type { SourceFile } from '../../codemod/source-file.js';

/** A message about one place in the application. */
export interface Note {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** A parameter of the factory that creates the options. */
export interface Injected {
  readonly parameter: string;
  readonly type: string;
  readonly module: string;
}

export class Migration {
  readonly changed: Note[] = [];
  /** The developer has to review these. */
  readonly withoutEquivalent: Note[] = [];
  /** If there are any, nothing is written: the result could accept requests that were rejected before. */
  readonly blocking: Note[] = [];
  readonly stricter = new Set<string>();
  readonly uninstall = new Set<string>();
  /** Options of AuthModule, as source text. */
  readonly options = new Map<string, string>();
  readonly injected = new Map<string, Injected>();
  /** Modules that export the injected providers. */
  readonly factoryImports: { readonly name: string; readonly module: string }[] = [];
  /** `false`: the application places the guard itself, as before. */
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
