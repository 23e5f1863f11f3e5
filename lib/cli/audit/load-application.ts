/**
 * Creates the application to audit with the copies of Nest and of this package that it uses itself. Nothing of Nest is
 * loaded before.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RouteTable } from '../../route-table/route-table.js';
import { UsageError } from '../usage-error.js';
import type { AuditCommand } from './audit-arguments.js';

/** The part of Nest's `INestApplication` that is used. */
export interface Application {
  init(): Promise<unknown>;
  close(): Promise<void>;
  get(token: unknown): unknown;
  getHttpAdapter(): { getType(): string; getInstance(): { ready?(): PromiseLike<unknown> } };
}

export interface Loaded {
  readonly app: Application;
  /** `undefined`: the application has no `AuthModule` of the package that it resolves to. */
  readonly table: RouteTable | undefined;
}

type Exports = Readonly<Record<string, unknown>>;
type Constructor = new () => unknown;
type Create = (module: unknown, adapter: unknown, options: object) => Promise<Application>;

const PLATFORMS = [
  ['@nestjs/platform-express', 'ExpressAdapter'],
  ['@nestjs/platform-fastify', 'FastifyAdapter'],
] as const;

const FACTORY_OPTIONS = { logger: false, abortOnError: false };

/** @throws {UsageError} if the file or its export does not exist. Also throws the errors of the application's own start. */
export async function loadApplication({ file, exportName }: AuditCommand): Promise<Loaded> {
  const path = resolve(file);
  if (!existsSync(path))
    throw new UsageError(`${file} does not exist: build the application, or name its compiled root module`);
  const root = memberOf(await load(path), exportName);
  if (typeof root !== 'function')
    throw new UsageError(`${file} exports no class or function ${exportName}: --export takes the name`);
  const packages = new PackagesOf(path);
  const app = isClass(root)
    ? await createApplication(root, packages)
    : ((await (root as () => unknown)()) as Application);
  const { RouteTable: token } = await packages.load('nestjs-resource-server');
  return { app, table: find(app, token) };
}

async function createApplication(module: unknown, packages: PackagesOf): Promise<Application> {
  const { NestFactory } = await packages.load('@nestjs/core');
  const [name, adapterName] = PLATFORMS.find(([each]) => packages.has(each)) ?? PLATFORMS[0];
  const Adapter = (await packages.load(name))[adapterName] as Constructor;
  return (NestFactory as { readonly create: Create }).create(module, new Adapter(), FACTORY_OPTIONS);
}

/** Loads packages as a file of the application resolves them. */
class PackagesOf {
  readonly #require: NodeJS.Require;

  constructor(private readonly file: string) {
    this.#require = createRequire(file);
  }

  has(name: string): boolean {
    try {
      this.#require.resolve(name);
      return true;
    } catch {
      return false;
    }
  }

  async load(name: string): Promise<Exports> {
    if (!this.has(name)) throw new UsageError(`${name} is not installed where ${this.file} is`);
    const exported = await load(this.#require.resolve(name));
    // CommonJS: exports that Node.js does not detect in the source text are in `default` only.
    return { ...(exported['default'] as object | undefined), ...exported };
  }
}

async function load(path: string): Promise<Exports> {
  return (await import(pathToFileURL(path).href)) as Exports;
}

function memberOf(exported: Exports, name: string): unknown {
  return exported[name] ?? (exported['default'] as Exports | undefined)?.[name];
}

function isClass(value: unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function find(app: Application, token: unknown): RouteTable | undefined {
  try {
    return app.get(token) as RouteTable;
  } catch {
    return undefined;
  }
}
