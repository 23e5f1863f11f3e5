/** Prints the route table as text and as Markdown. */
import type { RouteEntry } from './route-entry.js';

interface Column {
  readonly title: string;
  readonly of: (entry: RouteEntry) => string;
  /** Omitted if it is empty for all routes. */
  readonly rare?: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'kind', of: ({ kind }) => (kind === 'http' ? '' : kind), rare: true },
  { title: 'method', of: ({ method }) => method },
  { title: 'path', of: ({ path }) => path },
  { title: 'version', of: ({ version }) => version ?? '', rare: true },
  { title: 'host', of: ({ host }) => host ?? '', rare: true },
  { title: 'requires', of: describeAccess },
  { title: 'handler', of: ({ handler }) => handler ?? '' },
];

/** Prints one route per line, with columns aligned by spaces. */
export function printText(entries: readonly RouteEntry[]): string {
  const rows = tableOf(entries);
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** Prints a Markdown table. Columns are not padded, so that one long path does not change every line. */
export function printMarkdown(entries: readonly RouteEntry[]): string {
  const [titles = [], ...rows] = tableOf(entries);
  const code = new Set(['method', 'path', 'host', 'handler'].map((title) => titles.indexOf(title)));
  const body = rows.map((row) =>
    row.map((cell, column) => (cell !== '' && code.has(column) ? `\`${cell}\`` : cell)),
  );
  return [titles, titles.map(() => '---'), ...body]
    .map((row) => `|${row.map(markdownCell).join('|')}|\n`)
    .join('');
}

function markdownCell(cell: string): string {
  return cell === '' ? ' ' : ` ${cell.replaceAll('|', String.raw`\|`)} `;
}

function tableOf(entries: readonly RouteEntry[]): readonly (readonly string[])[] {
  const columns = COLUMNS.filter(
    ({ rare, of }) => rare !== true || entries.some((entry) => of(entry) !== ''),
  );
  return [columns.map(({ title }) => title), ...entries.map((entry) => columns.map(({ of }) => of(entry)))];
}

function describeAccess(entry: RouteEntry): string {
  if (entry.access === 'unprotected') return 'unprotected: no guard runs';
  if (entry.access === 'public') return 'public';
  const asked = requirementsOf(entry).join('; ');
  if (entry.access === 'optional') return asked === '' ? 'optional token' : `optional token, with ${asked}`;
  return asked === '' ? 'any valid token' : asked;
}

/** Describes the requirements for a token in words. */
export function requirementsOf({
  requires,
  binding,
  introspectMaxAge,
  issuers,
  audience,
}: Pick<
  RouteEntry,
  'requires' | 'binding' | 'introspectMaxAge' | 'issuers' | 'audience'
>): readonly string[] {
  return [
    ...(issuers === undefined ? [] : [`of ${issuers.join(' or ')}`]),
    ...(audience === undefined ? [] : [`for ${audience}`]),
    ...requires,
    ...binding.map((kind) => (kind === 'certificate' ? 'bound to the certificate' : 'bound by DPoP')),
    ...(introspectMaxAge === undefined
      ? []
      : [introspectMaxAge === 0 ? 'introspected now' : `introspected within ${introspectMaxAge} s`]),
  ];
}
