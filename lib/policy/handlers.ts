/**
 * Which methods of its class a handler is.
 *
 * Nest hands a guard the function that stands on the instance, without its name. A constructor that rebinds
 * (`this.remove = this.remove.bind(this)`) puts a function there that no class knows; so the functions of each instance are
 * registered at start. A function's own `name` is never relied on: it says what somebody called it.
 */
import 'reflect-metadata';
import { propertiesOf, propertiesWith, type Controller } from './levels.js';

/** As much of a handler as is read. Its name is for messages only. */
export interface Handler {
  readonly name: string;
}

interface Registration {
  readonly controller: object;
  readonly property: string | symbol;
}

/** The classes that were seen at start, and those of their instances. */
const classes = new WeakSet<object>();

const registered = new WeakMap<object, readonly Registration[]>();

/** On the function, too: tracing libraries wrap it when Nest registers the route, and copy its metadata to the wrapper. */
const KEY = 'nestjs-resource-server:methods';

/** Registers the methods of an instance as they are called: what stands on the instance before what its class says. */
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

/** A class that a constructor swaps in for each request was never checked, and has other decorators. */
export function isRegisteredClass(controller: object): boolean {
  return classes.has(controller);
}

/** The function that is called for a method. */
export function methodOn(instance: object, property: string | symbol): Handler | undefined {
  const value: unknown = Reflect.get(instance, property);
  return typeof value === 'function' ? value : undefined;
}

/** The names of the methods that a handler is; none if it belongs to no method of the class. */
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
