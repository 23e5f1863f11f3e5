/** Lists the routes of an application, and those that declare nothing, without listening on a port. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RouteTable } from '../../route-table/route-table.js';
import { UsageError } from '../usage-error.js';
import type { AuditCommand } from './audit-arguments.js';
import { loadApplication, type Application } from './load-application.js';

export interface AuditReport {
  /** 0: every route declares who may call it. 1: some do not. 3: it cannot be determined. */
  readonly code: 0 | 1 | 3;
  readonly out: string;
  readonly err: string;
}

const CLOSE_WITHIN_MS = 5_000;
const NO_TABLE = `the application has no AuthModule, so its routes are not protected; or it uses a different copy of
nestjs-resource-server than the named file`;

/** @throws {UsageError} */
export async function auditApplication(command: AuditCommand): Promise<AuditReport> {
  // The audit needs no call to the provider. The environment takes precedence over .env files.
  process.env[`${command.prefix}WARM_UP`] = 'off';
  const standardOutput = process.stdout.write;
  // The output of the application is not part of the report.
  process.stdout.write = process.stderr.write.bind(process.stderr);
  try {
    return await audit(command);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return unknown(`the application cannot be created: ${describe(error)}`);
  } finally {
    process.stdout.write = standardOutput;
  }
}

async function audit(command: AuditCommand): Promise<AuditReport> {
  const { app, table } = await loadApplication(command);
  try {
    return table ? await reportOf(app, table, command) : unknown(NO_TABLE);
  } finally {
    const given = sleep(CLOSE_WITHIN_MS, undefined, { ref: false });
    await Promise.race([app.close().catch(() => undefined), given]);
  }
}

async function reportOf(app: Application, table: RouteTable, { json }: AuditCommand): Promise<AuditReport> {
  const failure = await initialize(app);
  const undeclared = undeclaredIn(table);
  // If the start fails in its last step, the routes that are known by then are reported; there may be more.
  if (failure !== undefined && !undeclared?.length)
    return unknown(`the application does not start: ${describe(failure)}`);
  const routes = table.list();
  const out = json
    ? `${JSON.stringify({ command: 'audit', undeclared, routes }, null, 2)}\n`
    : `${table.toText()}\n${summarize(undeclared ?? [])}\n`;
  return { code: undeclared?.length ? 1 : 0, out, err: '' };
}

/** @returns the error with which the start fails, for example because of `audit: 'error'` */
async function initialize(app: Application): Promise<unknown> {
  try {
    await app.init();
    const adapter = app.getHttpAdapter();
    // Fastify knows the routes of plugins only after these are loaded.
    if (adapter.getType() === 'fastify') await adapter.getInstance().ready?.();
    return undefined;
  } catch (error) {
    return error ?? new Error('no reason given');
  }
}

/** `undefined`: the start failed before the routes were known. */
function undeclaredIn(table: RouteTable): readonly string[] | undefined {
  try {
    return table.undeclared();
  } catch {
    return undefined;
  }
}

function summarize(undeclared: readonly string[]): string {
  if (undeclared.length === 0) return 'every route declares who may call it';
  const count =
    undeclared.length === 1 ? '1 route declares nothing' : `${undeclared.length} routes declare nothing`;
  return [count, ...undeclared].join('\n  ');
}

function unknown(why: string): AuditReport {
  return { code: 3, out: '', err: `nestjs-resource-server: ${why}\n` };
}

/** Describes an error as the application's own start prints it. The message lists mistakes in options; no stack is needed. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name === 'ConfigurationError' ? error.message : (error.stack ?? error.message);
}
