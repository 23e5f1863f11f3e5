/** Which decorators does nothing enforce? */
import { Groups, OptionalAuth, Public, Scopes } from 'nestjs-resource-server';
import { idleDecorators } from '../../../lib/policy/idle-decorators.js';

const find = (controller: Function, handlers: readonly string[] = [], isController = false) =>
  idleDecorators([{ controller, isController }], (_, property) =>
    handlers.includes(`${controller.name}.${String(property)}`),
  );

const SYMBOL = Symbol('hidden');

class Service {
  @Scopes('a') @Groups('b') @Scopes('c') one(): void {}
  @Scopes('d') [SYMBOL](): void {}
  @Public() open(): void {}
  @OptionalAuth() maybe(): void {}
  plain(): void {}
}

@Scopes('base')
class BaseService {
  @Scopes('a') inherited(): void {}
}
@Groups('own')
class DerivedService extends BaseService {
  override inherited(): void {}
}

describe('idleDecorators', () => {
  it('names each decorator of a method once, and methods with symbols, and no opening', () => {
    expect(find(Service)).toEqual(['Service.one: @Scopes(), @Groups()', 'Service.Symbol(hidden): @Scopes()']);
  });

  it('names no handler', () => {
    expect(find(Service, ['Service.one'])).toEqual(['Service.Symbol(hidden): @Scopes()']);
    expect(find(Service, ['Service.one', 'Service.Symbol(hidden)'])).toEqual([]);
  });

  it('names what base classes and overridden methods declare', () => {
    expect(find(DerivedService)).toEqual([
      'DerivedService: @Groups(), @Scopes()',
      'DerivedService.inherited: @Scopes()',
    ]);
    expect(find(DerivedService, ['DerivedService.inherited'])).toEqual([]);
  });

  it('names no class that is a controller, or a gateway', () => {
    expect(find(DerivedService, [], true)).toEqual(['DerivedService.inherited: @Scopes()']);
    @Scopes('a')
    class Gateway {}
    Reflect.defineMetadata('websockets:is_gateway', true, Gateway);
    expect(find(Gateway)).toEqual([]);
  });

  it('names a class once that several modules provide, and none without decorators', () => {
    const twice = { controller: Service, isController: false };
    expect(idleDecorators([twice, twice], () => false)).toHaveLength(2);
    class Plain {
      method(): void {}
    }
    expect(find(Plain)).toEqual([]);
    expect(idleDecorators([], () => false)).toEqual([]);
  });
});
