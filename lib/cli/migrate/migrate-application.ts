/** Migrates an application to AuthModule: reports the changes, and makes them with `--write`. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix, relative, resolve, sep } from 'node:path';
import { Project, type ProjectFiles } from '../../codemod/project.js';
import { loadTypeScript } from '../../codemod/typescript.js';
import { UsageError } from '../usage-error.js';
import { migrateExpressBearer } from './express-oauth2-jwt-bearer.js';
import type { MigrateCommand, Origin } from './migrate-arguments.js';
import { Migration } from './migration.js';
import { migrateKeycloak } from './nest-keycloak-connect.js';
import { migratePassportJwt } from './passport-jwt.js';
import { printMigration, type MigrationReport } from './print-migration.js';

const MIGRATIONS: Readonly<Record<Origin, (migration: Migration) => void>> = {
  'passport-jwt': migratePassportJwt,
  'nest-keycloak-connect': migrateKeycloak,
  'express-oauth2-jwt-bearer': migrateExpressBearer,
};

/**
 * @returns the exit code: 0 everything is migrated, 1 something has no equivalent or blocks the migration
 * @throws {UsageError} if there is no root module, or no TypeScript compiler
 */
export function migrateApplication(command: MigrateCommand): { readonly code: 0 | 1; readonly out: string } {
  const { report, texts } = migrateSources(command);
  if (report.written) for (const [path, text] of texts) writeFileSync(join(command.folder, path), text);
  const out = command.json
    ? `${JSON.stringify({ command: 'migrate', ...report }, null, 2)}\n`
    : printMigration(report);
  return { code: report.blocking.length + report.withoutEquivalent.length > 0 ? 1 : 0, out };
}

/** Computes the report and the changed texts, without writing files. */
export function migrateSources(command: MigrateCommand): {
  readonly report: MigrationReport;
  readonly texts: ReadonlyMap<string, string>;
} {
  const folder = resolve(command.folder);
  const project = new Project(typeScriptOf(folder), filesIn(folder), sourceRootOf(command, folder));
  const root = project.rootModule();
  if (root === undefined)
    throw new UsageError(
      `${project.sourceRoot} has no root module that main.ts passes to NestFactory; --source-root names another folder`,
    );
  const migration = new Migration(project, root);
  MIGRATIONS[command.origin](migration);
  const isBlocked = migration.blocking.length > 0;
  const texts = new Map(
    isBlocked
      ? []
      : project.sources.filter(({ isEdited }) => isEdited).map((each) => [each.path, each.print()] as const),
  );
  const { changed, withoutEquivalent, blocking, stricter, uninstall } = migration;
  const report = {
    origin: command.origin,
    written: command.write && !isBlocked,
    files: [...texts.keys()],
    changed,
    withoutEquivalent,
    blocking,
    stricter: isBlocked ? [] : [...stricter],
    uninstall: isBlocked ? [] : [...uninstall],
  };
  return { report, texts };
}

function typeScriptOf(folder: string): ReturnType<typeof loadTypeScript> {
  try {
    return loadTypeScript(folder);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function sourceRootOf({ sourceRoot }: MigrateCommand, folder: string): string {
  if (sourceRoot !== undefined) return posix.normalize(sourceRoot.replaceAll(sep, '/')).replace(/\/$/, '');
  const path = join(folder, 'nest-cli.json');
  if (!existsSync(path)) return 'src';
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { readonly sourceRoot?: string }).sourceRoot ?? 'src';
  } catch {
    return 'src';
  }
}

function filesIn(folder: string): ProjectFiles {
  return {
    read(path) {
      const full = join(folder, path);
      return existsSync(full) ? readFileSync(full, 'utf8') : undefined;
    },
    list(below) {
      const full = join(folder, below);
      if (!existsSync(full)) return [];
      return readdirSync(full, { recursive: true, withFileTypes: true })
        .filter((each) => each.isFile())
        .map((each) => relative(folder, join(each.parentPath, each.name)).replaceAll(sep, '/'))
        .filter((path) => !/(?:^|\/)(?:node_modules|dist)\//.test(path))
        .toSorted();
    },
  };
}
