/**
 * Finds the methods of a class to which a handler belongs.
 *
 * Nest passes the function on the instance to guards, without the name of the method. A constructor that rebinds
 * (`this.remove = this.remove.bind(this)`) puts a function there that is on no class, so the functions of each instance are
 * registered at start-up. The `name` of a function does not identify a method, because it can be anything.
 */
import 'reflect-metadata';
import { propertiesOf, propertiesWith, type Controller } from './levels.js';

/** The part of a handler that is read. The name is for error messages only. */
export interface Handler {
  readonly name: string;
}

interface Registration {
  readonly controller: object;
  readonly property: string | symbol;
}

/** The classes that were registered at start-up, and those of their instances. */
const classes = new WeakSet<object>();

const registered = new WeakMap<object, readonly Registration[]>();

/**
 * Registrations are also stored on the function, because tracing libraries wrap it when Nest registers the route, and copy its
 * metadata to the wrapper.
 */
const KEY = 'nestjs-resource-server:methods';

/** Registers the functions that are called for the methods of an instance: those on the instance before those of its class. */
export function registerHandlers(controller: Controller, instance: unknown): void {
  classes.add(controller);
  if (typeof instance !== 'object' || instance === null) return;
  classes.add(instance.constructor);
  for (const property of propertiesOf(controller)) {
    const handler = methodOn(instance, property);
    if (!handler) continue;
    for (const each of new Set([controller, instance.constructor]))
      register(handler, { controller: each, property });
  }
}

/** Whether a class was checked at start-up. The class of an instance that a constructor returns for each request was not. */
export function isRegisteredClass(controller: object): boolean {
  return classes.has(controller);
}

/** Returns the function that is called for a method. */
export function methodOn(instance: object, property: string | symbol): Handler | undefined {
  const value: unknown = Reflect.get(instance, property);
  return typeof value === 'function' ? value : undefined;
}

/** Returns the names of the methods to which a handler belongs; none if it is not a method of the class. */
export function methodsOf(controller: Controller, handler: object): readonly (string | symbol)[] {
  const known = [...propertiesWith(controller, handler), ...namesIn(registered.get(handler), controller)];
  return [...new Set(known.length > 0 ? known : namesIn(Reflect.getMetadata(KEY, handler), controller))];
}

function register(handler: object, registration: Registration): void {
  const known = registered.get(handler) ?? [];
  if (namesIn(known, registration.controller).includes(registration.property)) return;
  const all = [...known, registration];
  registered.set(handler, all);
  Reflect.defineMetadata(KEY, all, handler);
}

function namesIn(registrations: unknown, controller: object): readonly (string | symbol)[] {
  if (!Array.isArray(registrations)) return [];
  return (registrations as readonly Registration[])
    .filter((each) => each.controller === controller)
    .map(({ property }) => property);
}
