/** Reads the decorators of a class and its methods along the inheritance chain. */
import { ownDeclarations, type Declaration } from './declarations.js';

/** The part of a class that is read. */
export interface Controller {
  readonly name: string;
  readonly prototype?: unknown;
}

/** The declarations of one class of an inheritance chain, or of one method of an override chain. */
export interface Level {
  /** `OrdersController`, `OrdersController.list`: for error messages. */
  readonly place: string;
  readonly declarations: readonly Declaration[];
}

/** Returns what each class of the inheritance chain declares, the most derived first. */
export function classLevels(controller: object): readonly Level[] {
  const levels: Level[] = [];
  for (
    let level: object | null = controller;
    typeof level === 'function';
    level = Object.getPrototypeOf(level)
  ) {
    levels.push({ place: level.name, declarations: ownDeclarations(level) });
  }
  return levels;
}

/** Returns what is declared on a method: the method itself first, then the methods that it overrides. */
export function methodLevels(controller: Controller, property: string | symbol): readonly Level[] {
  return prototypesOf(controller)
    .filter(
      (prototype) => Object.hasOwn(prototype, property) || ownDeclarations(prototype, property).length > 0,
    )
    .map((prototype) => ({
      place: `${prototype.constructor.name}.${String(property)}`,
      declarations: [
        ...new Set([
          // A function may also be a method of another class: @Public() or @OptionalAuth() there opens nothing here.
          ...functionDeclarations(methodAt(prototype, property)).filter(
            ({ kind }) => kind !== 'public' && kind !== 'optional',
          ),
          ...ownDeclarations(prototype, property),
        ]),
      ],
    }));
}

/** Returns the declarations of a function itself, wherever it is used. A wrapper that copies metadata has the same ones. */
export function functionDeclarations(handler: unknown): readonly Declaration[] {
  return typeof handler === 'function' ? ownDeclarations(handler) : [];
}

/** Whether a class of the chain, or any of its methods, declares anything. */
export function declaresAnything(controller: Controller): boolean {
  return (
    classLevels(controller).some(({ declarations }) => declarations.length > 0) ||
    anyMethodDeclares(controller)
  );
}

/** Whether any method declares anything, so that it matters which of them is called. */
export function anyMethodDeclares(controller: Controller): boolean {
  return propertiesOf(controller).some((property) =>
    methodLevels(controller, property).some(({ declarations }) => declarations.length > 0),
  );
}

/** Returns the names of all methods, including inherited ones. */
export function propertiesOf(controller: Controller): readonly (string | symbol)[] {
  const names = prototypesOf(controller).flatMap((prototype) =>
    Reflect.ownKeys(prototype).filter((name) => methodAt(prototype, name) !== undefined),
  );
  return [...new Set(names)].filter((name) => name !== 'constructor');
}

/** Returns the names under which the class or one of its base classes has exactly this function. */
export function propertiesWith(controller: Controller, handler: unknown): readonly (string | symbol)[] {
  return propertiesOf(controller).filter((name) =>
    prototypesOf(controller).some((prototype) => methodAt(prototype, name) === handler),
  );
}

function methodAt(prototype: object, property: string | symbol): object | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(prototype, property)?.value;
  return typeof value === 'function' ? value : undefined;
}

function prototypesOf(controller: Controller): readonly object[] {
  const prototypes: object[] = [];
  for (
    let level: unknown = controller.prototype;
    typeof level === 'object' && level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    prototypes.push(level);
  }
  return prototypes;
}
