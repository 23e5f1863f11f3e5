/** Is AuthModule imported once, configured, and while the application starts? Otherwise routes stay open, or are guarded twice. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../errors/auth.errors.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';

type Module = ModulesContainer extends Map<string, infer Each> ? Each : never;

/** The key of Nest's own decorator, the same in 11 and 12. */
const IMPORTS = 'imports';

/**
 * Nest knows all modules before it makes the first provider, so that this can be asked in a constructor. It has to be
 * asked there: Nest calls no lifecycle hook of a module that is loaded lazily.
 *
 * @throws {ConfigurationError} imported without options, more than once, or by `LazyModuleLoader`
 */
export function refuseMisplacedImports(modules: ModulesContainer): void {
  // By the registered symbol: a second copy of this package counts, too.
  const configured = [...modules.values()].filter(({ providers }) => providers.has(RESOLVED_OPTIONS));
  const [only] = configured;
  if (!only) {
    throw new ConfigurationError(
      'AuthModule: imported without options; import AuthModule.forRoot() or forRootAsync(), or nothing is guarded',
    );
  }
  if (configured.length > 1) {
    throw new ConfigurationError(
      `AuthModule: imported ${configured.length} times${namesOf(importersOf(configured, modules))}; ` +
        'import forRoot() or forRootAsync() once, in the root module: it is global',
    );
  }
  if (!isReachable(only, modules)) {
    throw new ConfigurationError(
      'AuthModule: loaded lazily, when routes are registered already and would stay open; import it in the root module',
    );
  }
}

/** Nest binds a global module to all modules that it scans at start, but not to those when it is loaded later. */
function isReachable(wanted: Module, modules: ModulesContainer): boolean {
  // The first module is Nest's own.
  const [, root] = modules.values();
  const reached = new Set(root ? [root] : []);
  for (const module of reached) {
    if (module === wanted) return true;
    for (const imported of module.imports) reached.add(imported);
  }
  return false;
}

/** The classes of modules whose own metadata import one of them: the imports of a module hold global ones, too. */
function importersOf(wanted: readonly Module[], modules: ModulesContainer): readonly string[] {
  const classes = new Set<unknown>(wanted.map(({ metatype }) => metatype));
  return [...modules.values()].flatMap(({ metatype }) => {
    const imports: unknown = Reflect.getMetadata(IMPORTS, metatype);
    if (!Array.isArray(imports)) return [];
    const found = imports.filter((each) => classes.has((each as { module?: unknown } | undefined)?.module));
    return found.map(() => metatype.name);
  });
}

function namesOf(importers: readonly string[]): string {
  return importers.length === 0 ? '' : ` (by ${[...new Set(importers)].join(', ')})`;
}
