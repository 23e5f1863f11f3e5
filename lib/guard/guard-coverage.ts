/** Determines whether Nest runs AuthGuard for a handler. */
import 'reflect-metadata';
import { Inject, Injectable } from '@nestjs/common';
import { ApplicationConfig, ModuleRef } from '@nestjs/core';
import { AuthGuard } from './auth.guard.js';
import { GLOBAL_GUARD } from './global-guard.token.js';

type Class = (abstract new (...args: never[]) => unknown) | Function;

/** Metadata keys of Nest's decorators, the same in 11 and 12. */
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

  /**
   * Whether AuthGuard runs for every route: registered by this module, or by the application under `APP_GUARD` or with
   * `useGlobalGuards()`.
   */
  get isGlobal(): boolean {
    if (this.isRegistered) return true;
    // In a test, the provided guard may be of any class.
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
   * Whether AuthGuard runs because of `@UseGuards()` on the class or the handler.
   *
   * @param isStatic all requests share one instance. Otherwise each instance may have other functions, so that only
   *   decorators on the class count
   */
  isLocal(classRef: Class, handler: object, isStatic = true): boolean {
    // As in Nest, guards of the class are inherited, guards of an overridden handler are not.
    return [classRef, ...(isStatic ? [handler] : [])].some((target) => {
      const guards: unknown = Reflect.getMetadata(GUARDS, target);
      return Array.isArray(guards) && guards.some(runsAuthGuard);
    });
  }
}

/** Returns the class whose guards Nest runs: that of the instance, because a constructor may return one of another class. */
export function classOf(metatype: Class, instance: unknown): Class {
  const own: unknown = typeof instance === 'object' && instance !== null ? instance.constructor : undefined;
  return typeof own === 'function' ? own : metatype;
}

/** Whether a guard is AuthGuard, an instance or a subclass of it, or a class that injects AuthGuard and so can call it. */
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
