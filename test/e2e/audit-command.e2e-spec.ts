/** `audit`, as a user runs it on a compiled application: what it lists, and with which code it ends. */
import { buildCli, compile, type Cli, type Run } from '../support/cli.js';
import { Issuer } from '../support/issuer.js';
import { runCli } from '../support/run-cli.js';

const PREFIX = 'MONOCLOUD_BACKEND_';
const ENV = {
  [`${PREFIX}TENANT_DOMAIN`]: 'https://issuer.example',
  [`${PREFIX}AUDIENCE`]: 'https://a.example',
};

let cli: Cli;
beforeAll(() => {
  cli = buildCli();
});
afterAll(() => cli.remove());

const CONTROLLERS = `
import 'reflect-metadata';
import { Controller, Get, Injectable, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthModule, Public, Scopes } from 'nestjs-resource-server';

@Controller('orders')
@Scopes('read:orders')
class OrdersController {
  @Get() list() {}
  @Post() @Scopes('write:orders') create() {}
  @Get('status') @Public() status() {}
}

@Controller('me')
class MeController {
  @Get() show() {}
}
`;

const ROWS = [
  'method  path            requires                         handler',
  'GET     /orders         scope read:orders                OrdersController.list',
  'POST    /orders         scopes read:orders write:orders  OrdersController.create',
  'GET     /orders/status  public                           OrdersController.status',
];
const ME = 'GET     /me             any valid token                  MeController.show';
const UNDECLARED = 'GET /me: MeController.show declares nothing; any valid token is accepted';
const DECLARED = [...ROWS, '', 'every route declares who may call it', ''].join('\n');

/** An application of one file; `args` come after the file's name. */
const audit = (text: string, args: readonly string[] = [], env: Record<string, string> = ENV): Promise<Run> =>
  cli.run(['audit', 'app.module.js', ...args], {
    env,
    files: { 'app.module.js': compile(CONTROLLERS + text) },
  });

const moduleOf = (controllers: string, imports = 'AuthModule.forRoot()', rest = ''): string =>
  `${rest}\n@Module({ imports: [${imports}], controllers: [${controllers}] }) export class AppModule {}`;

describe('audit', () => {
  it('lists every route, and ends with 1 where one declares nothing', async () => {
    const { code, out, err } = await audit(moduleOf('OrdersController, MeController'));
    const [titles = '', ...rows] = ROWS;
    expect(out).toBe([titles, ME, ...rows, '', '1 route declares nothing', `  ${UNDECLARED}`, ''].join('\n'));
    expect({ code, err }).toEqual({ code: 1, err: '' });
  });

  it('ends with 0 where every route declares who may call it', async () => {
    expect(await audit(moduleOf('OrdersController'))).toEqual({ code: 0, out: DECLARED, err: '' });
  });

  it('passes over what the application means to be as it is', async () => {
    const options = `AuthModule.forRoot({ auditIgnore: ['/me'] })`;
    const { code, out } = await audit(moduleOf('OrdersController, MeController', options));
    expect(code).toBe(0);
    expect(out).toContain(ME);
  });

  it('writes JSON, and nothing else to standard output, whatever the application prints and leaves open', async () => {
    const noisy = `
      console.log('to standard output');
      setInterval(() => console.log('again'), 20);
      @Injectable() class Noisy { onModuleInit() { process.stdout.write('more'); } }
    `;
    const text = `${noisy}\n@Module({
      imports: [AuthModule.forRoot()], controllers: [MeController], providers: [Noisy],
    }) export class AppModule {}`;
    const { code, out, err } = await audit(text, ['--json']);
    expect(JSON.parse(out)).toMatchObject({
      command: 'audit',
      undeclared: [UNDECLARED],
      routes: [{ method: 'GET', path: '/me', access: 'protected', declared: false }],
    });
    expect(err).toContain('to standard output');
    expect(err).toContain('more');
    expect(code).toBe(1);
  });

  it('lists what a function of the application sets up: prefix, adapter and its own routes', async () => {
    const create = `${moduleOf('OrdersController, MeController', `AuthModule.forRoot({ auditIgnore: ['/api/me'] })`)}
      export async function createApp() {
        const app = await NestFactory.create(AppModule, new FastifyAdapter());
        app.setGlobalPrefix('api');
        app.getHttpAdapter().getInstance().register(async (fastify) => fastify.get('/raw', () => 'raw'));
        return app;
      }`;
    const { code, out } = await audit(create, ['--export', 'createApp']);
    expect(out).toContain('GET     /api/orders/status  public');
    expect(out).toContain('GET     /raw                unprotected: no guard runs');
    expect(out).toMatch(/\n1 route declares nothing\n {2}GET \/raw: /);
    expect(code).toBe(1);
  });

  it("reports where the application's own audit stops the start", async () => {
    const { code, out, err } = await audit(
      moduleOf('MeController', `AuthModule.forRoot({ audit: 'error' })`),
    );
    expect(out).toContain(`1 route declares nothing\n  ${UNDECLARED}`);
    expect({ code, err }).toEqual({ code: 1, err: '' });
  });

  it('asks the provider nothing', async () => {
    const issuer = await Issuer.start();
    const env = {
      ...ENV,
      [`${PREFIX}TENANT_DOMAIN`]: issuer.server.issuer,
      [`${PREFIX}WARM_UP`]: 'required',
    };
    try {
      expect((await audit(moduleOf('OrdersController'), [], env)).code).toBe(0);
      expect(issuer.server.requests).toEqual([]);
    } finally {
      await issuer.close();
    }
  });

  const FAILING = `@Injectable() class Failing { onApplicationBootstrap() { throw new Error('no database'); } }
    @Module({ providers: [Failing] }) class FailingModule {}`;

  it.each([
    [
      'mistakes in the configuration',
      moduleOf('OrdersController'),
      {},
      `AuthModule: 2 problems\n  issuer (${PREFIX}TENANT_DOMAIN): required`,
    ],
    ['an application without AuthModule', moduleOf('OrdersController', ''), ENV, 'has no AuthModule'],
    [
      'decorators that contradict one another',
      moduleOf(
        'TornController',
        undefined,
        `@Controller() class TornController { @Get() @Public() @Scopes('a') torn() {} }`,
      ),
      ENV,
      'TornController.torn',
    ],
    [
      // More routes may come with the rest of the start.
      'a start that fails after the routes are known',
      moduleOf('OrdersController', 'AuthModule.forRoot(), FailingModule', FAILING),
      ENV,
      'the application does not start: Error: no database',
    ],
    ['a file that fails to load', `throw new Error('not built for this');`, ENV, 'not built for this'],
  ])('ends with 3 for %s', async (_what, text, env, message) => {
    const { code, out, err } = await audit(text, [], env);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toContain(message);
  });

  it('ends with 1 for a start that fails although a route declares nothing', async () => {
    const { code, out } = await audit(
      moduleOf('MeController', 'AuthModule.forRoot(), FailingModule', FAILING),
    );
    expect(code).toBe(1);
    expect(out).toContain(UNDECLARED);
  });

  it.each([
    [[], 'dist/app.module.js does not exist: build the application'],
    [['elsewhere.js'], 'elsewhere.js does not exist'],
    [['a.js', 'b.js'], 'audit takes one file'],
    [['a.js', '--modul', 'b'], "Unknown option '--modul'"],
  ])('refuses %j', async (args, message) => {
    const { code, out, err } = await runCli(['audit', ...args]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(message);
  });

  it('refuses a file without the export', async () => {
    const { code, err } = await audit(moduleOf('OrdersController'), ['--export', 'Root']);
    expect(code).toBe(2);
    expect(err).toContain('app.module.js exports no class or function Root');
  });
});
