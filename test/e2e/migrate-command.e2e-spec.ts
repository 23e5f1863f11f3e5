/** `migrate`: what it makes of three applications, and whether they answer as they did. test/migration/fixtures holds them. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Type } from '@nestjs/common';
import { migrateApplication, migrateSources } from '../../lib/cli/migrate/migrate-application.js';
import type { MigrateCommand, Origin } from '../../lib/cli/migrate/migrate-arguments.js';
import { bootModule, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';

const FIXTURES = resolve('test/migration/fixtures');
const ORIGINS: readonly Origin[] = ['passport-jwt', 'nest-keycloak-connect', 'express-oauth2-jwt-bearer'];

const commandFor = (origin: Origin, folder: string, write = false): MigrateCommand => ({
  name: 'migrate',
  origin,
  folder,
  sourceRoot: undefined,
  write,
  json: false,
});

function sourcesIn(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  );
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

/** Runs `use` in a copy of a fixture, changed before. */
function inCopy<T>(
  origin: Origin,
  changes: Record<string, (text: string) => string>,
  use: (folder: string) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), 'migrate-'));
  try {
    cpSync(join(FIXTURES, origin, 'before'), folder, { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{}');
    for (const [path, change] of Object.entries(changes)) {
      const before = readFileSync(join(folder, path), 'utf8');
      const after = change(before);
      expect(after).not.toBe(before);
      writeFileSync(join(folder, path), after);
    }
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe.each(ORIGINS)('migrate %s', (origin) => {
  it('makes of the application before what stands under after', () => {
    inCopy(origin, {}, (folder) => {
      migrateApplication(commandFor(origin, folder, true));
      expect(sourcesIn(join(folder, 'src'))).toEqual(sourcesIn(join(FIXTURES, origin, 'after', 'src')));
    });
  });

  it('writes nothing without --write, and says so', () => {
    inCopy(origin, {}, (folder) => {
      const { out } = migrateApplication(commandFor(origin, folder));
      expect(out).toContain('would change; --write changes');
      expect(out).toContain('becomes stricter');
      expect(sourcesIn(join(folder, 'src'))).toEqual(sourcesIn(join(FIXTURES, origin, 'before', 'src')));
    });
  });

  it('leaves alone what it has migrated', () => {
    const { report } = migrateSources(commandFor(origin, join(FIXTURES, origin, 'after')));
    expect(report.files).toEqual([]);
    expect(report.blocking).toHaveLength(1);
  });
});

describe('migrate passport-jwt: algorithms', () => {
  const restricted = (list: string): string => `signingAlgorithms: ${list}`;

  it.each<[string, string | undefined, boolean]>([
    [`['RS256', 'ES256']`, restricted(`['RS256', 'ES256']`), false],
    [`['HS256', 'RS256']`, restricted(`['RS256']`), true],
    [`['RS256', "HS512"]`, restricted(`['RS256']`), true],
    [`['RS256', 'HS256', 'HS512', 'ES256']`, restricted(`['RS256', 'ES256']`), true],
    [`['HS256']`, undefined, true],
    [`[ 'HS256', 'HS384' ]`, undefined, true],
  ])('%s', (list, option, isStricter) => {
    const change = (text: string): string =>
      text.replace("algorithms: ['RS256', 'ES256'],", `algorithms:  ${list},`);
    inCopy('passport-jwt', { 'src/auth/jwt.strategy.ts': change }, (folder) => {
      const { out } = migrateApplication(commandFor('passport-jwt', folder, true));
      expect(out.includes('HS256, HS384 and HS512 were accepted')).toBe(isStricter);
      const module = sourcesIn(join(folder, 'src')).get('app.module.ts') ?? '';
      expect(/signingAlgorithms: \[[^\]]*\]/.exec(module)?.[0]).toBe(option);
    });
  });
});

describe('migrate writes nothing where a check would be lost', () => {
  const GUARD = 'src/auth/jwt-auth.guard.ts';
  const STRATEGY = 'src/auth/jwt.strategy.ts';
  const KEYCLOAK = 'src/app.module.ts';
  const BEARER = 'src/authorization/authorization.guard.ts';

  it.each<[string, Origin, string, (text: string) => string, RegExp]>([
    [
      'a shared secret',
      'passport-jwt',
      STRATEGY,
      (text) =>
        text.replace(/secretOrKeyProvider: passportJwtSecret\(\{[^}]*\}[^}]*\}\)/, "secretOrKey: 'secret'"),
      /secretOrKey/,
    ],
    [
      'a guard that decides more',
      'passport-jwt',
      GUARD,
      (text) =>
        text.replace(
          'return super',
          "if (context.getArgs()[0].ip !== '10.0.0.1') return false;\n    return super",
        ),
      /checks more than the token/,
    ],
    [
      'a guard that another one extends',
      'passport-jwt',
      GUARD,
      (text) => `${text}\nexport class StrictGuard extends JwtAuthGuard {}\n`,
      /extends JwtAuthGuard/,
    ],
    [
      'a callback',
      'passport-jwt',
      STRATEGY,
      (text) => text.replace('validate(payload: JwtPayload)', 'validate(payload: JwtPayload, done: any)'),
      /uses a callback/,
    ],
    [
      'options of a strategy that are made elsewhere',
      'passport-jwt',
      STRATEGY,
      (text) => text.replace(/super\(\{[^]*?\n    \}\);/, 'super(makeOptions(config));'),
      /not an object literal in super/,
    ],
    [
      'a policy that refuses what it does not know',
      'nest-keycloak-connect',
      KEYCLOAK,
      (text) =>
        text.replace(
          "clientId: 'shop'",
          "clientId: 'shop', policyEnforcement: PolicyEnforcementMode.ENFORCING",
        ),
      /ENFORCING/,
    ],
    [
      'a guard around the middleware that decides more',
      'express-oauth2-jwt-bearer',
      BEARER,
      (text) => text.replace('return true;', "return request.auth.payload.permissions.includes('a');"),
      /checks more than the token/,
    ],
    [
      'several tenants',
      'nest-keycloak-connect',
      KEYCLOAK,
      (text) =>
        text.replace("clientId: 'shop'", "clientId: 'shop', multiTenant: { realmResolver: () => 'a' }"),
      /multiTenant/,
    ],
    [
      'options that are made elsewhere',
      'nest-keycloak-connect',
      KEYCLOAK,
      (text) => text.replace(/useFactory: [^]*?\}\),\n/, 'useFactory: makeOptions,\n'),
      /options are not an object literal/,
    ],
    [
      'a shared secret of the middleware',
      'express-oauth2-jwt-bearer',
      BEARER,
      (text) => text.replace("tokenSigningAlg: 'ES256'", "tokenSigningAlg: 'HS256', secret: 'secret'"),
      /option secret/,
    ],
    [
      'tokens that may be missing',
      'express-oauth2-jwt-bearer',
      BEARER,
      (text) => text.replace('tokenSigningAlg', 'authRequired: false, tokenSigningAlg'),
      /authRequired/,
    ],
    [
      'scopes that middleware requires',
      'express-oauth2-jwt-bearer',
      BEARER,
      (text) =>
        text
          .replace('{ auth }', '{ auth, requiredScopes }')
          .replace('const request', "requiredScopes('a');\n    const request"),
      /@Scopes/,
    ],
  ])('%s', (_what, origin, path, change, said) => {
    inCopy(origin, { [path]: change }, (folder) => {
      const before = sourcesIn(join(folder, 'src'));
      const { code, out } = migrateApplication(commandFor(origin, folder, true));
      expect(code).toBe(1);
      expect(out).toMatch(said);
      expect(out).toContain('nothing was written');
      expect(sourcesIn(join(folder, 'src'))).toEqual(before);
    });
  });

  it('leaves guards where they stood', () => {
    const isPlain = (text: string): string => text.replace(/\{\n  constructor[^]*\n\}\n$/, '{}\n');
    const changes = {
      [GUARD]: isPlain,
      'src/app.module.ts': (text: string) =>
        text.replace('    { provide: APP_GUARD, useClass: JwtAuthGuard },\n', ''),
      'src/profile/profile.controller.ts': (text: string) =>
        text
          .replace(
            'import { Controller, Get, Req }',
            "import { AuthGuard } from '@nestjs/passport';\nimport { Controller, Get, Req, UseGuards }",
          )
          .replace("  @Get('admin')", "  @UseGuards(AuthGuard(['jwt', 'anonymous']))\n  @Get('admin')"),
    };
    inCopy('passport-jwt', changes, (folder) => {
      migrateApplication(commandFor('passport-jwt', folder, true));
      const written = sourcesIn(join(folder, 'src'));
      expect(written.get('app.module.ts')).toContain('globalGuard: false');
      const controller = written.get('profile/profile.controller.ts');
      expect(controller).toContain('@UseGuards(AuthGuard) @OptionalAuth()');
      expect(controller).toContain("import { AuthGuard, OptionalAuth } from 'nestjs-resource-server';");
      expect(controller).not.toContain('passport');
    });
  });
});

let issuer: Issuer;
afterAll(() => issuer.close());

/** As the application before answered; from the sources of passport-jwt, nest-keycloak-connect 1.10 and express-oauth2-jwt-bearer. */
describe.each(PLATFORMS)('on %s, the application after', (platform) => {
  let app: TestApp | undefined;

  /** For all: what decorators read of the environment is read once, when their file is loaded. */
  beforeAll(async () => {
    issuer ??= await Issuer.start({ issuerPath: '/realms/acme' });
    Object.assign(process.env, {
      OIDC_ISSUER: issuer.server.issuer,
      OIDC_AUDIENCE: AUDIENCE,
      KEYCLOAK_URL: issuer.server.origin,
      KEYCLOAK_REALM: 'acme',
      ISSUER_BASE_URL: issuer.server.issuer,
      AUDIENCE,
    });
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  async function boot(origin: Origin): Promise<void> {
    const file = join(FIXTURES, origin, 'after', 'src', 'app.module.ts');
    const { AppModule } = (await import(file)) as { AppModule: Type };
    app = await bootModule([AppModule], { platform, controllers: [] });
  }

  async function status(method: string, path: string, claims?: Record<string, unknown>): Promise<number> {
    const headers = { 'content-length': '0', ...(claims && bearer(issuer.token({ claims }))) };
    return (await app?.send(path, { method, headers }))?.status ?? 0;
  }

  it('of passport-jwt', async () => {
    await boot('passport-jwt');
    const me = await app?.get('/profile', bearer(issuer.token({ claims: { sub: 'ada' } })));
    expect([me?.status, me?.body]).toEqual([200, { id: 1, name: 'Ada' }]);
    expect(await status('GET', '/profile')).toBe(401);
    expect(await status('GET', '/profile', { sub: 'nobody' })).toBe(401);
    expect(await status('GET', '/profile', { sub: 'ada', aud: 'https://other.example' })).toBe(401);
    expect(await status('GET', '/profile', { sub: 'ada', exp: Math.floor(Date.now() / 1000) - 2 })).toBe(401);
    expect(await status('GET', '/profile/admin', { sub: 'ada' })).toBe(200);
    expect(await status('GET', '/profile/admin', { sub: 'bob' })).toBe(403);
    expect(await status('GET', '/profile/status')).toBe(200);
  });

  it('of nest-keycloak-connect', async () => {
    await boot('nest-keycloak-connect');
    const token = (realm: string[], client: string[] = []): Record<string, unknown> => ({
      aud: 'shop',
      realm_access: { roles: realm },
      resource_access: { shop: { roles: client } },
    });
    expect(await status('GET', '/products')).toBe(200);
    expect(await status('GET', '/products/offers')).toBe(200);
    expect(await status('GET', '/products/offers', { aud: 'other' })).toBe(401);
    expect(await status('GET', '/products/mine')).toBe(401);
    expect(await status('GET', '/products/mine', token([]))).toBe(200);
    expect(await status('POST', '/products', token(['manager']))).toBe(403);
    expect(await status('POST', '/products', token([], ['manager']))).toBe(201);
    expect(await status('PATCH', '/products', token([], ['staff']))).toBe(403);
    expect(await status('PATCH', '/products', token(['staff']))).toBe(200);
    expect(await status('DELETE', '/products', token(['staff']))).toBe(403);
    expect(await status('DELETE', '/products', token([], ['manager']))).toBe(403);
    expect(await status('DELETE', '/products', token(['staff'], ['manager']))).toBe(200);
    // Keycloak decided; now nobody passes until somebody does.
    expect(await status('GET', '/products/audit', token(['staff'], ['manager']))).toBe(403);
  });

  it('of express-oauth2-jwt-bearer', async () => {
    await boot('express-oauth2-jwt-bearer');
    expect(await status('GET', '/messages/public')).toBe(200);
    expect(await status('GET', '/messages/protected')).toBe(401);
    expect(await status('GET', '/messages/protected', { aud: 'https://other.example' })).toBe(401);
    const answer = await app?.get('/messages/protected', bearer(issuer.token({ claims: { sub: 'ada' } })));
    expect([answer?.status, answer?.body]).toEqual([200, { text: 'for ada' }]);
  });
});
