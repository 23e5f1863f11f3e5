/**
 * The part of `@angular-devkit/schematics` that is used. The Nest CLI has its own copy and passes its objects to the
 * schematic; nothing is imported from that package, so that every version of the CLI works.
 */
import type { ProjectFiles } from '../codemod/project.js';

export interface Tree {
  read(path: string): { toString(encoding: 'utf8'): string } | null;
  exists(path: string): boolean;
  create(path: string, text: string): void;
  overwrite(path: string, text: string): void;
  getDir(path: string): { visit(visitor: (path: string) => void): void };
}

export interface SchematicContext {
  readonly logger: { info(message: string): void; warn(message: string): void };
  addTask(task: { toConfiguration(): { readonly name: string; readonly options: object } }): unknown;
}

export type Rule = (tree: Tree, context: SchematicContext) => Tree;

export function filesOf(tree: Tree): ProjectFiles {
  return {
    read: (path) => readText(tree, path),
    list(folder) {
      const paths: string[] = [];
      tree.getDir(folder).visit((path) => {
        if (!/\/(?:node_modules|dist)\//.test(path)) paths.push(path.replace(/^\//, ''));
      });
      return paths;
    },
  };
}

export function readText(tree: Tree, path: string): string | undefined {
  return tree.exists(path) ? tree.read(path)?.toString('utf8') : undefined;
}

/** Writes a file only if its text changes, because the CLI reports each written file. */
export function write(tree: Tree, path: string, text: string): void {
  const before = readText(tree, path);
  if (before === undefined) tree.create(path, text);
  else if (before !== text) tree.overwrite(path, text);
}

/** Returns the source root. The Nest CLI passes the text `undefined` if its configuration sets none. */
export function sourceRootOf({ sourceRoot }: { readonly sourceRoot?: string }): string {
  return sourceRoot === undefined || sourceRoot === 'undefined' || sourceRoot === '' ? 'src' : sourceRoot;
}
