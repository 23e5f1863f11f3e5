/** Stores what decorators declare for classes and methods. The decorators write it, and only levels.ts reads it. */
import 'reflect-metadata';

/** A requirement for the content of the token. Its check is implemented in access/. */
export interface DeclaredRequirement {
  /** `scopes`, `groups`, … */
  readonly kind: string;
  /** For error messages: `@Scopes()`. */
  readonly decorator: string;
}

export type Declaration =
  | { readonly kind: 'public' }
  | { readonly kind: 'optional' }
  | { readonly kind: 'requirement'; readonly requirement: DeclaredRequirement }
  | { readonly kind: 'certificate-bound' }
  | { readonly kind: 'dpop-bound' }
  | { readonly kind: 'introspect'; readonly maxAge: number }
  | { readonly kind: 'issuers'; readonly issuers: readonly string[] }
  | { readonly kind: 'audience'; readonly audience: string };

const DECORATORS: Readonly<Record<Exclude<Declaration['kind'], 'requirement'>, string>> = {
  public: '@Public()',
  optional: '@OptionalAuth()',
  'certificate-bound': '@CertBound()',
  'dpop-bound': '@DPoPBound()',
  introspect: '@Introspect()',
  issuers: '@Issuers()',
  audience: '@Audience()',
};

/** Returns the decorator of a declaration, for error messages. */
export function decoratorOf(declaration: Declaration): string {
  return declaration.kind === 'requirement'
    ? declaration.requirement.decorator
    : DECORATORS[declaration.kind];
}

const KEY = 'nestjs-resource-server:route';

function append(declaration: Declaration, target: object, property?: string | symbol): void {
  const said = ownDeclarations(target, property);
  if (property === undefined) Reflect.defineMetadata(KEY, [...said, declaration], target);
  else Reflect.defineMetadata(KEY, [...said, declaration], target, property);
}

/** Returns what is declared on a class, a function or a property of a prototype itself, without what is inherited. */
export function ownDeclarations(target: object, property?: string | symbol): readonly Declaration[] {
  const said: unknown =
    property === undefined
      ? Reflect.getOwnMetadata(KEY, target)
      : Reflect.getOwnMetadata(KEY, target, property);
  return Array.isArray(said) ? said : [];
}

/**
 * Creates a decorator from a declaration. Several declarations on one target are combined.
 *
 * For a method, the declaration is stored twice: on the function, where Nest and libraries that wrap handlers keep metadata,
 * and on the property of the class, so that a decorator that replaces the function does not silently drop it.
 *
 * @throws {TypeError} when the decorator is applied to anything but a class or a method of its instances: nothing else is a
 *   handler, so the declaration would protect nothing
 */
export function declares(declaration: Declaration): ClassDecorator & MethodDecorator {
  return (target: object, property?: unknown, descriptor?: unknown): void => {
    if (property === undefined && typeof target === 'function') return append(declaration, target);
    const method: unknown = (descriptor as PropertyDescriptor | null | undefined)?.value;
    const isName = typeof property === 'string' || typeof property === 'symbol';
    if (typeof target === 'function' || !isName || typeof method !== 'function') {
      throw new TypeError(
        `${decoratorOf(declaration)} ${describeTarget(target, property)}: it can be applied only to classes and their instance methods, ` +
          'with the property descriptor (TypeScript: experimentalDecorators)',
      );
    }
    append(declaration, target, property);
    append(declaration, method);
  };
}

/** {@link declares} for a requirement for the content of the token. */
export function requires(requirement: DeclaredRequirement): ClassDecorator & MethodDecorator {
  return declares(Object.freeze({ kind: 'requirement', requirement }));
}

function describeTarget(target: object, property: unknown): string {
  const { name } = typeof target === 'function' ? target : target.constructor;
  return typeof property === 'string' || typeof property === 'symbol'
    ? `on ${name}.${String(property)}`
    : `on ${name}`;
}
