/** Loads the TypeScript compiler of the application. Every Nest project has one, so this package does not depend on it. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type compiler from 'typescript';

export type TypeScript = typeof compiler;

/**
 * @param folder the folder of the application
 * @param running the running program: a globally installed Nest CLI also has a compiler
 * @throws {Error} if there is none, or only one without the parser API
 */
export function loadTypeScript(folder: string, running = process.argv[1] ?? folder): TypeScript {
  const project = join(folder, 'package.json');
  for (const from of [project, resolveFrom(project, '@nestjs/cli/package.json'), running]) {
    const path = from === undefined ? undefined : resolveFrom(from, 'typescript');
    if (from === undefined || path === undefined) continue;
    const found = createRequire(from)(path) as TypeScript;
    if (typeof found.createSourceFile === 'function') return found;
  }
  throw new Error('typescript is not installed here: npm install --save-dev typescript');
}

function resolveFrom(file: string, name: string): string | undefined {
  try {
    return createRequire(file).resolve(name);
  } catch {
    return undefined;
  }
}
