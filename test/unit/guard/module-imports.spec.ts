/** AuthModule is imported once, configured, and while the application starts. */
import { Module } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { ConfigurationError } from '../../../lib/errors/auth.errors.js';
import { refuseMisplacedImports } from '../../../lib/guard/module-imports.js';
import { RESOLVED_OPTIONS } from '../../../lib/options/resolved-options.token.js';

class Auth {}
class Root {}
class Feature {}

interface Node {
  readonly metatype: unknown;
  readonly providers: ReadonlyMap<unknown, unknown>;
  readonly imports: Set<Node>;
}

const node = (metatype: unknown, imports: readonly Node[] = [], isConfigured = false): Node => ({
  metatype,
  providers: new Map(isConfigured ? [[RESOLVED_OPTIONS, {}]] : []),
  imports: new Set(imports),
});

describe('refuseMisplacedImports', () => {
  /** Nest's own module comes first, then the root module. */
  const check = (...modules: readonly Node[]): void => {
    const all = [node(class InternalCoreModule {}), ...modules];
    refuseMisplacedImports(
      new Map(all.map((each, index) => [String(index), each])) as unknown as ModulesContainer,
    );
  };

  it('accepts one import in the root module, or in a module that it imports', () => {
    const auth = node(Auth, [], true);
    expect(() => check(node(Root, [auth]), auth)).not.toThrow();
    const feature = node(Feature, [auth]);
    expect(() => check(node(Root, [feature]), feature, auth)).not.toThrow();
    expect(() => check(auth)).not.toThrow();
  });

  it('accepts modules that import one another', () => {
    const auth = node(Auth, [], true);
    const feature = node(Feature, [auth]);
    const root = node(Root, [feature]);
    feature.imports.add(root);
    expect(() => check(root, feature, auth)).not.toThrow();
  });

  it('rejects an import without options', () => {
    const auth = node(Auth);
    const start = (): void => check(node(Root, [auth]), auth);
    expect(start).toThrow(ConfigurationError);
    expect(start).toThrow(
      'AuthModule: imported without options; import AuthModule.forRoot() or forRootAsync(), or nothing is guarded',
    );
  });

  it('rejects a module that is loaded lazily: the modules of the start do not import it', () => {
    const auth = node(Auth, [], true);
    const start = (): void => check(node(Root, [node(Feature)]), node(Feature, [auth]), auth);
    expect(start).toThrow(ConfigurationError);
    expect(start).toThrow(
      'AuthModule: loaded lazily, when routes are registered already and would stay open; import it in the root module',
    );
    expect(() => refuseMisplacedImports(new Map([['0', auth]]) as unknown as ModulesContainer)).toThrow(
      'loaded lazily',
    );
  });

  it('names those who import it twice, each once', () => {
    @Module({ imports: [{ module: Auth }, { module: class Other {} }, undefined as never] })
    class Orders {}
    @Module({ imports: [{ module: Auth }, { module: Auth }] })
    class Users {}
    @Module({ imports: [{ module: Feature }] })
    class Unrelated {}
    const [first, second] = [node(Auth, [], true), node(Auth, [], true)];
    const start = (): void =>
      check(node(Root), node(Unrelated), node(Orders, [first]), node(Users, [second]), first, second);
    expect(start).toThrow(ConfigurationError);
    expect(start).toThrow(
      'AuthModule: imported 2 times (by Orders, Users); import forRoot() or forRootAsync() once, in the root module: it is global',
    );
  });

  it('names nobody where no class imports it in its own metadata', () => {
    const [first, second] = [node(Auth, [], true), node(Auth, [], true)];
    expect(() => check(node(Root, [first, second]), first, second)).toThrow(
      'AuthModule: imported 2 times; import forRoot()',
    );
  });
});
