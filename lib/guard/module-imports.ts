/** Checks that AuthModule is imported once, with options, and at start-up. Otherwise routes stay open, or are guarded twice. */
import 'reflect-metadata';
import type { ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../errors/auth.errors.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';

type Module = ModulesContainer extends Map<string, infer Each> ? Each : never;

/** The metadata key of the imports of a module, the same in Nest 11 and 12. */
const IMPORTS = 'imports';

/**
 * Must be called in a constructor: Nest knows all modules before it creates the first provider, and calls no lifecycle hook
 * of a module that is loaded lazily.
 *
 * @throws {ConfigurationError} if the module is imported without options, more than once, or by `LazyModuleLoader`
 */
export function refuseMisplacedImports(modules: ModulesContainer): void {
  // The token is a registered symbol, so that a second copy of this package counts too.
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

/**
 * Whether the root module imports the module, directly or through others. Nest adds a global module to the imports of all modules
 * at start-up, but not if it is loaded later.
 */
function isReachable(wanted: Module, modules: ModulesContainer): boolean {
  // The first module is Nest's internal one.
  const [, root] = modules.values();
  const reached = new Set(root ? [root] : []);
  for (const module of reached) {
    if (module === wanted) return true;
    for (const imported of module.imports) reached.add(imported);
  }
  return false;
}

/** Returns the modules whose metadata import a wanted one. `Module.imports` is not used, as it contains global modules too. */
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
