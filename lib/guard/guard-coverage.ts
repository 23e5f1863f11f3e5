/** Does Nest run AuthGuard for this handler? */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, ModuleRef } from '@nestjs/core';
import { AuthGuard } from './auth.guard.js';
import { GLOBAL_GUARD } from './global-guard.token.js';

type Class = (abstract new (...args: never[]) => unknown) | Function;

/** Keys of Nest's own decorators, the same in 11 and 12. */
const GUARDS = '__guards__';
const PARAMETER_TYPES = 'design:paramtypes';
const INJECTED_PARAMETERS = 'self:paramtypes';
const INJECTED_PROPERTIES = 'self:properties_metadata';

@Injectable()
export class GuardCoverage {
  constructor(
    @Inject(ModuleRef) private readonly self: ModuleRef,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(GLOBAL_GUARD) private readonly isRegistered: boolean,
  ) {}

  /** For every route: by this module, or by the application, under `APP_GUARD` or with `useGlobalGuards()`. */
  get isGlobal(): boolean {
    if (this.isRegistered) return true;
    // In a test it may be of any class.
    const provided = this.self.get<unknown>(AuthGuard);
    const isGuard = (each: unknown): boolean => each === provided || runsAuthGuard(each);
    const runs = (guard: object): boolean =>
      isGuard(guard) || isGuard(guard.constructor) || Object.values(guard).some(isGuard);
    return (
      this.config.getGlobalGuards().some(runs) ||
      this.config.getGlobalRequestGuards().some(({ metatype }) => runsAuthGuard(metatype))
    );
  }

  /**
   * Because `@UseGuards()` on the class or the handler says so.
   *
   * @param isStatic one instance for all requests. Otherwise each instance may bring other functions, so that only what
   *   stands on the class counts
   */
  isLocal(classRef: Class, handler: object, isStatic = true): boolean {
    // As Nest does: those of the class are inherited, those of an overridden handler are not.
    return [classRef, ...(isStatic ? [handler] : [])].some((target) => {
      const guards: unknown = Reflect.getMetadata(GUARDS, target);
      return Array.isArray(guards) && guards.some(runsAuthGuard);
    });
  }
}

/** The class whose guards Nest runs: a constructor may return an instance of another one. */
export function classOf(metatype: Class, instance: unknown): Class {
  const own: unknown = typeof instance === 'object' && instance !== null ? instance.constructor : undefined;
  return typeof own === 'function' ? own : metatype;
}

/** Of its class, of a subclass, or of a class that has one injected and so can ask it. */
function runsAuthGuard(guard: unknown): boolean {
  if (guard instanceof AuthGuard || guard === AuthGuard) return true;
  return typeof guard === 'function' && (guard.prototype instanceof AuthGuard || injectsAuthGuard(guard));
}

function injectsAuthGuard(guard: Function): boolean {
  const parameters = metadataOf(PARAMETER_TYPES, guard);
  const injected = metadataOf(INJECTED_PARAMETERS, guard).map((each) => (each as { param?: unknown }).param);
  const properties = metadataOf(INJECTED_PROPERTIES, guard).map((each) => (each as { type?: unknown }).type);
  return [...parameters, ...injected, ...properties].includes(AuthGuard);
}

function metadataOf(key: string, target: object): readonly unknown[] {
  const found: unknown = Reflect.getMetadata(key, target);
  return Array.isArray(found) ? found : [];
}
