/** What did a decorator say about a class or a handler? Written by the decorators, read by route-policy.ts only. */
import 'reflect-metadata';

export interface GroupRequirement {
  readonly groups: readonly string[];
  /** All of the groups instead of any. Left out: what the module's options say. */
  readonly matchAll?: boolean;
  /** Where the groups stand in the token. Left out: what the module's options say. */
  readonly groupsClaim?: string;
}

export type Declaration =
  | { readonly kind: 'public' }
  | { readonly kind: 'optional' }
  | { readonly kind: 'scopes'; readonly scopes: readonly string[] }
  | ({ readonly kind: 'groups' } & GroupRequirement)
  | { readonly kind: 'certificate-bound' }
  | { readonly kind: 'dpop-bound' }
  | { readonly kind: 'introspect'; readonly maxAge: number };

/** The decorator that stands for each kind, for messages. */
export const DECORATOR_OF: Readonly<Record<Declaration['kind'], string>> = {
  public: '@Public()',
  optional: '@OptionalAuth()',
  scopes: '@Scopes()',
  groups: '@Groups()',
  'certificate-bound': '@CertBound()',
  'dpop-bound': '@DPoPBound()',
  introspect: '@Introspect()',
};

const KEY = 'nestjs-resource-server:route';

function append(declaration: Declaration, target: object, property?: string | symbol): void {
  const said = own(target, property);
  if (property === undefined) Reflect.defineMetadata(KEY, [...said, declaration], target);
  else Reflect.defineMetadata(KEY, [...said, declaration], target, property);
}

function own(target: object, property?: string | symbol): readonly Declaration[] {
  const said: unknown =
    property === undefined
      ? Reflect.getOwnMetadata(KEY, target)
      : Reflect.getOwnMetadata(KEY, target, property);
  return Array.isArray(said) ? said : [];
}

/**
 * Turns a declaration into a decorator. Several on one target add up.
 *
 * On a handler it is written twice: on the function, where Nest and libraries that wrap handlers keep metadata, and on
 * the class's property, so that a decorator that replaces the function does not silently drop it.
 */
export function declares(declaration: Declaration): ClassDecorator & MethodDecorator {
  return (target: object, property?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (property === undefined || descriptor === undefined) return append(declaration, target);
    append(declaration, target, property);
    append(declaration, descriptor.value as object);
  };
}

/** What each class of the inheritance chain says of itself, the most derived first. */
export function classDeclarations(controller: object): readonly (readonly Declaration[])[] {
  const levels: (readonly Declaration[])[] = [];
  for (
    let level: object | null = controller;
    typeof level === 'function';
    level = Object.getPrototypeOf(level)
  ) {
    levels.push(own(level));
  }
  return levels;
}

/** What is said of a handler: by the method itself first, then by the methods that it overrides. */
export function handlerDeclarations(
  controller: { readonly prototype?: unknown; readonly name: string },
  handler: { readonly name: string },
): readonly (readonly Declaration[])[] {
  const prototypes: object[] = [];
  for (let level = controller.prototype; isObject(level); level = Object.getPrototypeOf(level)) {
    prototypes.push(level);
  }
  const property = propertyOf(handler, prototypes);
  const overridden = prototypes.filter((prototype) => Object.hasOwn(prototype, property));
  const [method, ...bases] = overridden.map((prototype) => own(prototype, property));
  return [[...new Set([...own(handler), ...(method ?? [])])], ...bases];
}

/** A handler that was replaced on the instance is found by its name, which wrappers keep. */
function propertyOf(handler: { readonly name: string }, prototypes: readonly object[]): string | symbol {
  for (const prototype of prototypes) {
    for (const property of Reflect.ownKeys(prototype)) {
      if (Object.getOwnPropertyDescriptor(prototype, property)?.value === handler) return property;
    }
  }
  return handler.name;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
