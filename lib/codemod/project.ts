/** Reads the sources of an application and finds its root module. */
import { posix } from 'node:path';
import type ts from 'typescript';
import { classesOf, decoratorsOf, walk } from './decorators.js';
import { SourceFile } from './source-file.js';
import type { TypeScript } from './typescript.js';

/** The files of a project. Paths are relative to its folder, with `/`. */
export interface ProjectFiles {
  read(path: string): string | undefined;
  /** Lists all files below a folder, without `node_modules` and `dist`. */
  list(folder: string): readonly string[];
}

export interface RootModule {
  readonly source: SourceFile;
  readonly declaration: ts.ClassDeclaration;
}

const ENDINGS = ['.ts', '.js'];
const SOURCE = /(?<!\.d)\.[jt]s$/;
const TEST = /\.(?:e2e-)?(?:spec|test)\.[jt]s$/;

export class Project {
  readonly #sources = new Map<string, SourceFile>();

  constructor(
    readonly ts: TypeScript,
    readonly files: ProjectFiles,
    readonly sourceRoot: string,
  ) {}

  /** The sources, without tests. */
  get sources(): SourceFile[] {
    return this.#paths()
      .filter((path) => !TEST.test(path))
      .flatMap((path) => this.source(path) ?? []);
  }

  source(path: string): SourceFile | undefined {
    const known = this.#sources.get(path);
    if (known !== undefined) return known;
    const text = this.files.read(path);
    if (text === undefined) return undefined;
    const source = new SourceFile(this.ts, path, text);
    this.#sources.set(path, source);
    return source;
  }

  /** Finds the file of an import: a relative path, a path from the project's folder, or one of `paths` in tsconfig.json. */
  resolve(from: SourceFile, module: string): SourceFile | undefined {
    const bases = module.startsWith('.')
      ? [posix.join(posix.dirname(from.path), module)]
      : [module, ...this.#mapped(module)];
    for (const base of bases) {
      const path = base.replace(/\.js$/, '');
      const places = ENDINGS.flatMap((ending) => [`${path}${ending}`, `${path}/index${ending}`]);
      const found = places.find((each) => this.files.read(each) !== undefined);
      if (found !== undefined) return this.source(found);
    }
    return undefined;
  }

  /** Finds the class that an identifier of a file refers to, also through barrels. */
  classNamed(name: string, from: SourceFile, depth = 0): RootModule | undefined {
    const declaration = classesOf(from).find((each) => each.name?.text === name);
    if (declaration !== undefined) return { source: from, declaration };
    if (depth > 5) return undefined;
    const imported = from.importOf(name);
    const target = imported && this.resolve(from, imported.module);
    if (imported !== undefined && target !== undefined)
      return this.classNamed(imported.name === 'default' ? name : imported.name, target, depth + 1);
    for (const statement of from.ast.statements) {
      if (!this.ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) continue;
      const specifier = statement.moduleSpecifier;
      const barrel = this.ts.isStringLiteral(specifier) ? this.resolve(from, specifier.text) : undefined;
      const found = barrel && this.classNamed(name, barrel, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Finds the module that the entry file passes to `NestFactory`, else the module in `app.module.ts`. */
  rootModule(entry = 'main'): RootModule | undefined {
    for (const ending of ENDINGS) {
      const main = this.source(`${this.sourceRoot}/${entry.replace(/\.[jt]s$/, '')}${ending}`);
      const found = main && this.#created(main);
      if (found !== undefined && isModule(found)) return found;
    }
    for (const ending of ENDINGS) {
      const source = this.source(`${this.sourceRoot}/app.module${ending}`);
      const declaration = source && classesOf(source).find((each) => isModule({ source, declaration: each }));
      if (source !== undefined && declaration !== undefined) return { source, declaration };
    }
    return undefined;
  }

  #mapped(module: string): string[] {
    const { config } = this.ts.parseConfigFileTextToJson(
      'tsconfig.json',
      this.files.read('tsconfig.json') ?? '{}',
    ) as {
      readonly config?: {
        readonly compilerOptions?: { readonly paths?: Readonly<Record<string, string[]>> };
      };
    };
    return Object.entries(config?.compilerOptions?.paths ?? {}).flatMap(([pattern, targets]) => {
      const [head = '', tail] = pattern.split('*');
      if (tail === undefined) return module === pattern ? targets.map((each) => posix.normalize(each)) : [];
      if (!module.startsWith(head) || !module.endsWith(tail)) return [];
      const middle = module.slice(head.length, module.length - tail.length);
      return targets.map((each) => posix.normalize(each.replace('*', middle)));
    });
  }

  #created(main: SourceFile): RootModule | undefined {
    const { ts } = this;
    for (const node of walk(main)) {
      if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) continue;
      const { expression, name } = node.expression;
      if (!ts.isIdentifier(expression) || expression.text !== 'NestFactory') continue;
      const [module] = node.arguments;
      if (!name.text.startsWith('create') || module === undefined || !ts.isIdentifier(module)) continue;
      return this.classNamed(module.text, main);
    }
    return undefined;
  }

  #paths(): readonly string[] {
    return this.files.list(this.sourceRoot).filter((path) => SOURCE.test(path));
  }
}

export function isModule({ source, declaration }: RootModule): boolean {
  return decoratorsOf(source, declaration).some(({ name }) => source.importOf(name)?.name === 'Module');
}
