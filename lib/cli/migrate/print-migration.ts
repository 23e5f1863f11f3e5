/** Prints what a migration changes, what the developer has to decide, and what becomes stricter. */
import type { Origin } from './migrate-arguments.js';
import type { Note } from './migration.js';

export interface MigrationReport {
  readonly origin: Origin;
  readonly written: boolean;
  readonly files: readonly string[];
  readonly changed: readonly Note[];
  readonly withoutEquivalent: readonly Note[];
  /** If there are any, nothing is written. */
  readonly blocking: readonly Note[];
  readonly stricter: readonly string[];
  /** Packages that are no longer used. */
  readonly uninstall: readonly string[];
}

export function printMigration(report: MigrationReport): string {
  const { origin, written, files, changed, withoutEquivalent, blocking, stricter, uninstall } = report;
  if (blocking.length > 0)
    return [
      `migrate ${origin}: nothing was written; decide this first`,
      ...blocking.map(printNote),
      ...section('has no equivalent', withoutEquivalent.map(printNote)),
      '',
    ].join('\n');
  const count = files.length === 1 ? '1 file' : `${files.length} files`;
  return [
    `migrate ${origin}: ${count} ${written ? 'changed' : 'would change; --write changes them'}`,
    ...files.map((each) => `  ${each}`),
    ...section('what changes', changed.map(printNote)),
    ...section('has no equivalent, or needs a decision', withoutEquivalent.map(printNote)),
    ...section(
      'becomes stricter',
      stricter.map((each) => `  ${each}`),
    ),
    ...section('then', [
      '  npm install nestjs-resource-server @nestjs/config',
      `  npm uninstall ${uninstall.join(' ')}`,
      '  npm run build && npx nestjs-resource-server audit',
    ]),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines];
}

function printNote({ file, line, text }: Note): string {
  return `  ${file}:${line}  ${text}`;
}
