/** Decorators that cannot hold together: within one place, and along a chain of classes or overridden methods. */
import { ConfigurationError } from '../errors/auth.errors.js';
import { DECORATOR_OF, type Declaration } from './declarations.js';
import type { Level } from './levels.js';

type Opening = Extract<Declaration, { kind: 'public' | 'optional' }>;

export function isOpening(declaration: Declaration): declaration is Opening {
  return declaration.kind === 'public' || declaration.kind === 'optional';
}

export function isRequirement(declaration: Declaration): boolean {
  return !isOpening(declaration);
}

/**
 * Openings count from the most derived level that declares anything, requirements from every level.
 *
 * @throws {ConfigurationError} for `@Public()` beside `@OptionalAuth()` or any requirement
 */
export function refuseContradictions(levels: readonly Level[]): void {
  const derived = levels.find(({ declarations }) => declarations.length > 0);
  if (!derived?.declarations.some(({ kind }) => kind === 'public')) return;
  const contradicting =
    levels.flatMap(({ declarations }) => declarations).find(isRequirement) ??
    derived.declarations.find(({ kind }) => kind === 'optional');
  if (!contradicting) return;
  throw new ConfigurationError(
    `${derived.place}: @Public() asks for no token, ${DECORATOR_OF[contradicting.kind]} asks for one; leave one of them out`,
  );
}
