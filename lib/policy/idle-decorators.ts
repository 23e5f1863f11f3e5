/** Finds decorators that nothing enforces: on methods that no transport calls, and on providers without handlers. */
import 'reflect-metadata';
import { decoratorOf } from './declarations.js';
import { classLevels, methodLevels, propertiesOf, type Controller, type Level } from './levels.js';

/** The metadata key of `@WebSocketGateway`, the same in Nest 11 and 12. Decorators of a gateway apply to its handshake. */
const GATEWAY = 'websockets:is_gateway';

interface DecoratedClass {
  readonly controller: Controller;
  /** `false`: a provider. */
  readonly isController: boolean;
}

/**
 * Openings (`@Public()`, `@OptionalAuth()`) are not reported: they protect nothing, and libraries that call methods through Nest's
 * ExternalContextCreator run the guard, which then admits public methods only.
 *
 * @param isHandler whether the method of the class handles a route, a field or a message
 * @returns `OrdersService.refund: @Scopes()` for each place
 */
export function idleDecorators(
  classes: readonly DecoratedClass[],
  isHandler: (controller: Controller, property: string | symbol) => boolean,
): readonly string[] {
  const places = classes.flatMap((each) => [
    ...idleOnClass(each, isHandler),
    ...idleOnMethods(each, isHandler),
  ]);
  return [...new Set(places)];
}

type IsHandler = Parameters<typeof idleDecorators>[1];

function idleOnMethods({ controller }: DecoratedClass, isHandler: IsHandler): readonly string[] {
  return propertiesOf(controller)
    .filter((property) => !isHandler(controller, property))
    .flatMap((property) =>
      describe(`${controller.name}.${String(property)}`, methodLevels(controller, property)),
    );
}

/** A controller without routes has nothing to protect. It can also be a base class. */
function idleOnClass({ controller, isController }: DecoratedClass, isHandler: IsHandler): readonly string[] {
  const hasHandlers = propertiesOf(controller).some((property) => isHandler(controller, property));
  if (isController || hasHandlers || Reflect.hasMetadata(GATEWAY, controller)) return [];
  return describe(controller.name, classLevels(controller));
}

function describe(place: string, levels: readonly Level[]): readonly string[] {
  const declared = levels
    .flatMap(({ declarations }) => declarations)
    .filter(({ kind }) => kind !== 'public' && kind !== 'optional');
  return declared.length === 0 ? [] : [`${place}: ${[...new Set(declared.map(decoratorOf))].join(', ')}`];
}
