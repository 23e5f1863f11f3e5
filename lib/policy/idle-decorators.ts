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
 * @param handlers the names of all handlers of the application, `OrdersController.list`
 * @returns `OrdersService.refund: @Scopes()` for each
 */
export function idleDecorators(
  classes: readonly DecoratedClass[],
  handlers: ReadonlySet<string>,
): readonly string[] {
  return [
    ...new Set(classes.flatMap((each) => [...idleOnClass(each, handlers), ...idleOnMethods(each, handlers)])),
  ];
}

function idleOnMethods({ controller }: DecoratedClass, handlers: ReadonlySet<string>): readonly string[] {
  return propertiesOf(controller)
    .filter((property) => !handlers.has(nameOf(controller, property)))
    .flatMap((property) => describe(nameOf(controller, property), methodLevels(controller, property)));
}

/** Controllers are not reported: without routes they have nothing to protect, and they may be base classes. */
function idleOnClass(
  { controller, isController }: DecoratedClass,
  handlers: ReadonlySet<string>,
): readonly string[] {
  const hasHandlers = propertiesOf(controller).some((property) => handlers.has(nameOf(controller, property)));
  if (isController || hasHandlers || Reflect.hasMetadata(GATEWAY, controller)) return [];
  return describe(controller.name, classLevels(controller));
}

function describe(place: string, levels: readonly Level[]): readonly string[] {
  const declared = levels.flatMap(({ declarations }) => declarations);
  return declared.length === 0 ? [] : [`${place}: ${[...new Set(declared.map(decoratorOf))].join(', ')}`];
}

function nameOf({ name }: Controller, property: string | symbol): string {
  return `${name}.${String(property)}`;
}
