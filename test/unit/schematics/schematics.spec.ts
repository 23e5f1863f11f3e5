/** `nest add` and `protect` on applications as people have them: what is written, and that a second run writes nothing. */
import { DEFAULT_PREFIX } from '../../../lib/options/resolve-options.js';
import { nestAdd } from '../../../lib/schematics/nest-add.js';
import { protect } from '../../../lib/schematics/protect.js';
import type { Rule, SchematicContext, Tree } from '../../../lib/schematics/schematic.js';

class MemoryTree implements Tree {
  readonly written: string[] = [];

  constructor(readonly files: Record<string, string>) {}

  read(path: string): Buffer | null {
    const text = this.files[path];
    return text === undefined ? null : Buffer.from(text);
  }
  exists(path: string): boolean {
    return this.files[path] !== undefined;
  }
  create(path: string, text: string): void {
    this.overwrite(path, text);
  }
  overwrite(path: string, text: string): void {
    this.written.push(path);
    this.files[path] = text;
  }
  getDir(path: string): { visit(visitor: (path: string) => void): void } {
    return {
      visit: (visitor) => {
        for (const each of Object.keys(this.files)) if (each.startsWith(`${path}/`)) visitor(`/${each}`);
      },
    };
  }
}

function run(rule: Rule, tree: MemoryTree): { readonly said: string; readonly tasks: readonly unknown[] } {
  const said: string[] = [];
  const tasks: unknown[] = [];
  const context: SchematicContext = {
    logger: { info: (text) => said.push(text), warn: (text) => said.push(text) },
    addTask: (task) => tasks.push(task.toConfiguration()),
  };
  rule(tree, context);
  return { said: said.join('\n'), tasks };
}

const MAIN = `import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  await app.listen(3000);
}
bootstrap();
`;

const moduleOf = (metadata: string, imports = ''): string =>
  `import { Module } from '@nestjs/common';\n${imports}\n@Module(${metadata})\nexport class AppModule {}\n`;

const manifest = (nest: string): string =>
  `${JSON.stringify({ name: 'shop', dependencies: { '@nestjs/core': nest, rxjs: '^7.8.1' } }, null, 2)}\n`;

function application(files: Record<string, string> = {}): MemoryTree {
  return new MemoryTree({
    'package.json': manifest('^12.0.1'),
    'src/main.ts': MAIN,
    'src/app.module.ts': moduleOf('{\n  imports: [],\n  controllers: [],\n}'),
    ...files,
  });
}

const CONFIG = "import { ConfigModule } from '@nestjs/config';";
const BOTH = 'ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()';

describe('nest add', () => {
  it.each<[string, string, string]>([
    ['an empty list', moduleOf('{\n  imports: [],\n}'), `{\n  imports: [${BOTH}],\n}`],
    ['no list', moduleOf('{\n  providers: [],\n}'), `{\n  imports: [${BOTH}],\n  providers: [],\n}`],
    ['no list, on one line', moduleOf('{ providers: [] }'), `{ imports: [${BOTH}], providers: [] }`],
    ['an empty object', moduleOf('{}'), `{\n  imports: [${BOTH}],\n}`],
    ['no argument', moduleOf(''), `{\n  imports: [${BOTH}],\n}`],
    [
      'a list of lines',
      moduleOf('{\n  imports: [\n    ShopModule,\n    PayModule,\n  ],\n}'),
      '    ConfigModule.forRoot({ isGlobal: true }),\n    AuthModule.forRoot(),\n    ShopModule,\n    PayModule,\n  ],',
    ],
    [
      'a list that gets too long for its line',
      moduleOf('{\n  imports: [ShopModule, PayModule],\n}'),
      '  imports: [\n    ConfigModule.forRoot({ isGlobal: true }),\n    AuthModule.forRoot(),\n    ShopModule,\n    PayModule,\n  ],',
    ],
    [
      'a list from elsewhere',
      moduleOf('{\n  imports: shared,\n}'),
      '    AuthModule.forRoot(),\n    ...shared,\n',
    ],
    ['a list that is computed', moduleOf('{\n  imports: isDev ? a : b,\n}'), '    ...(isDev ? a : b),\n'],
    [
      'a ConfigModule in the root',
      moduleOf('{ imports: [ConfigModule.forRoot()] }', CONFIG),
      '[AuthModule.forRoot(), ConfigModule.forRoot()]',
    ],
    [
      "a module of the application's own by this name",
      moduleOf('{ imports: [AuthModule] }', `import { AuthModule } from './auth/auth.module';\n${CONFIG}`),
      'ResourceServerModule.forRoot(),',
    ],
    [
      'a module of its own below',
      `import { Module } from '@nestjs/common';\n@Module({ imports: [] })\nexport class AppModule {}\nclass AuthModule {}\n`,
      'ResourceServerModule.forRoot()',
    ],
  ])('writes into %s', (_what, text, expected) => {
    const tree = application({ 'src/app.module.ts': text });
    run(nestAdd(), tree);
    expect(tree.files['src/app.module.ts']).toContain(expected);
    expect(tree.files['src/app.module.ts']).not.toContain('Public');
    const once = { ...tree.files };
    const again = run(nestAdd(), tree);
    expect(tree.files).toEqual(once);
    expect(again).toEqual({ said: '', tasks: [] });
  });

  it('finds ConfigModule in another file, and AuthModule there, too', () => {
    const core = `import { ConfigModule } from '@nestjs/config';\nexport const config = ConfigModule.forRoot();\n`;
    const tree = application({ 'src/core/config.ts': core });
    run(nestAdd(), tree);
    expect(tree.files['src/app.module.ts']).toContain('imports: [AuthModule.forRoot()]');
    expect(tree.files['package.json']).not.toContain('@nestjs/config');

    const elsewhere = `import { AuthModule } from 'nestjs-resource-server';\nexport const auth = AuthModule.forRoot();\n`;
    const protectedTree = application({ 'src/core/auth.ts': elsewhere });
    run(nestAdd(), protectedTree);
    expect(protectedTree.written).toEqual(['.env.example']);
  });

  it.each([
    ['^11.0.1', '^4.0.0'],
    ['~11.1.0', '^4.0.0'],
    ['^12.0.1', '^12.0.0'],
  ])('on Nest %s installs @nestjs/config %s', (nest, expected) => {
    const tree = application({ 'package.json': manifest(nest) });
    const { tasks } = run(nestAdd(), tree);
    const { dependencies } = JSON.parse(tree.files['package.json'] ?? '') as { dependencies: object };
    expect(Object.entries(dependencies)).toEqual([
      ['@nestjs/config', expected],
      ['@nestjs/core', nest],
      ['rxjs', '^7.8.1'],
    ]);
    expect(tasks).toEqual([{ name: 'node-package', options: { command: 'install', quiet: true } }]);
    expect(run(nestAdd({ skipInstall: true }), application()).tasks).toEqual([]);
  });

  it('keeps what .env.example says', () => {
    const fresh = application();
    run(nestAdd(), fresh);
    expect(fresh.files['.env.example']).toContain(
      `${DEFAULT_PREFIX}TENANT_DOMAIN=https://auth.example.com\n`,
    );
    expect(fresh.files['.env.example']).toContain(`${DEFAULT_PREFIX}AUDIENCE=https://api.example.com\n`);
    const tree = application({ '.env.example': 'PORT=3000' });
    run(nestAdd(), tree);
    expect(tree.files['.env.example']).toMatch(/^PORT=3000\n\n# nestjs-resource-server/);
  });

  it('writes into the application of a monorepo that was named, and into the next one', () => {
    const tree = application({
      'nest-cli.json': JSON.stringify({ projects: { pay: { entryFile: 'server' } } }),
      'apps/pay/src/server.ts': MAIN.replaceAll('AppModule', 'PayModule').replace(
        './app.module',
        './pay.module',
      ),
      'apps/pay/src/pay.module.ts': moduleOf('{ imports: [] }').replace('AppModule', 'PayModule'),
    });
    const before = tree.files['src/app.module.ts'];
    run(nestAdd({ sourceRoot: 'apps/pay/src', project: 'pay' }), tree);
    expect(tree.files['apps/pay/src/pay.module.ts']).toContain(BOTH);
    expect(tree.files['src/app.module.ts']).toBe(before);
    run(nestAdd({ sourceRoot: 'src' }), tree);
    expect(tree.files['src/app.module.ts']).toContain(BOTH);
    expect(tree.written.filter((path) => path === '.env.example')).toHaveLength(1);
  });

  it.each([
    [
      'Fastify',
      'NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter())',
      './app.module',
    ],
    ['ES modules', 'NestFactory.create(AppModule)', './app.module.js'],
    ['a microservice', 'NestFactory.createMicroservice(AppModule, {})', './app.module'],
  ])('finds the root module of %s', (_what, call, from) => {
    const main = `import { NestFactory } from '@nestjs/core';\nimport { AppModule } from '${from}';\nconst app = await ${call};\n`;
    const tree = application({ 'src/main.ts': main });
    run(nestAdd(), tree);
    expect(tree.files['src/app.module.ts']).toContain(BOTH);
  });

  it('finds the root module behind a barrel and by the paths of tsconfig.json', () => {
    const tree = application({
      'tsconfig.json': '{ "compilerOptions": { "paths": { "@app/*": ["./src/*"] } } } // comment',
      'src/main.ts': MAIN.replace('./app.module', '@app/modules').replaceAll('AppModule', 'ShopModule'),
      'src/modules/index.ts': "export * from './shop.module';\n",
      'src/modules/shop.module.ts': moduleOf('{ imports: [] }').replace('AppModule', 'ShopModule'),
    });
    run(nestAdd(), tree);
    expect(tree.files['src/modules/shop.module.ts']).toContain(BOTH);
  });

  it('writes nothing where it does not understand the application', () => {
    const none = application({ 'src/app.module.ts': 'export class AppModule {}\n' });
    expect(() => run(nestAdd(), none)).toThrow(/no root module in src/);
    const computed = application({ 'src/app.module.ts': moduleOf('metadata') });
    expect(() => run(nestAdd(), computed)).toThrow(/AuthModule\.forRoot\(\) to its imports/);
    expect([...none.written, ...computed.written]).toEqual([]);
  });
});

describe('protect', () => {
  const controllerOf = (body: string, path = "'products'"): MemoryTree =>
    application({
      'src/products/products.controller.ts': `import { Controller, Delete, Get, Post } from '@nestjs/common';

@Controller(${path})
export class ProductsController {
${body}
}
`,
    });
  const written = (tree: MemoryTree): string => tree.files['src/products/products.controller.ts'] ?? '';

  it.each<[string, string, string]>([
    ['a reading handler', '  @Get()\n  list() {}', "  @Scopes('read:products')\n  @Get()\n  list() {}"],
    [
      'a writing handler',
      '  @Post()\n  create() {}',
      "  @Scopes('write:products')\n  @Post()\n  create() {}",
    ],
    [
      'a handler for administrators',
      "  @Delete('admin/:id')\n  remove() {}",
      "  @Scopes('write:products')\n  @Groups('admin')\n  @Delete('admin/:id')",
    ],
  ])('proposes for %s, once', (_what, body, expected) => {
    const tree = controllerOf(body);
    const { said } = run(protect({ name: 'products' }), tree);
    expect(written(tree)).toContain(expected);
    expect(written(tree)).toMatch(/^import \{ (?:Groups, )?Scopes \} from 'nestjs-resource-server';$/m);
    expect(said).toContain('a proposal');
    const once = written(tree);
    expect(run(protect({ name: 'products-controller' }), tree).said).toContain('declares something already');
    expect(written(tree)).toBe(once);
  });

  it.each([
    ["  @Get('health')\n  health() {}", 'add @Public()'],
    ["  @Post('login')\n  login() {}", 'which the issuer handles'],
    ["  @Post('webhook')\n  webhook() {}", 'check its signature'],
  ])('opens nothing: %j', (body, hint) => {
    const tree = controllerOf(body);
    const before = written(tree);
    expect(run(protect({ name: 'products' }), tree).said).toContain(hint);
    expect(written(tree)).toBe(before);
  });

  it('says what a reader has to decide', () => {
    const tree = controllerOf("  @Post(':tenantId/payments')\n  pay() {}");
    const { said } = run(protect({ name: 'products' }), tree);
    expect(said).toContain("@RequireClaims({ tenant_id: { param: 'tenantId' } })");
    expect(said).toContain('@StepUp({ maxAge: 300 })');
  });

  it('leaves alone what declares something, on the handler or on the class', () => {
    const body = '  @Public()\n  @Get()\n  list() {}';
    const own = "import { Public, Scopes } from 'nestjs-resource-server';\n";
    const handler = controllerOf(body);
    handler.files['src/products/products.controller.ts'] = own + written(handler);
    expect(run(protect({ name: 'products' }), handler).said).toContain('declares something already');
    const other = controllerOf('  @Get()\n  list() {}');
    const text = own + written(other).replace('@Controller', "@Scopes('a')\n@Controller");
    other.files['src/products/products.controller.ts'] = text;
    run(protect({ name: 'products' }), other);
    expect(written(other)).toBe(text);
  });

  it('names the controllers that there are', () => {
    expect(() => run(protect({ name: 'orders' }), controllerOf(''))).toThrow(/there are ProductsController/);
  });
});
