/** Finds decorators that contradict one another: in one place, and along a chain of classes or overridden methods. */
import { ConfigurationError } from '../errors/auth.errors.js';
import { decoratorOf, type Declaration } from './declarations.js';
import type { Level } from './levels.js';

type Opening = Extract<Declaration, { kind: 'public' | 'optional' }>;

export function isOpening(declaration: Declaration): declaration is Opening {
  return declaration.kind === 'public' || declaration.kind === 'optional';
}

export function isRequirement(declaration: Declaration): boolean {
  return !isOpening(declaration);
}

/**
 * Checks every level of a chain, also levels that a more derived one overrides: a contradiction on a base class is an error
 * whatever its subclasses declare.
 *
 * @throws {ConfigurationError} for `@Public()` together with `@OptionalAuth()` or a requirement, and for `@Public()` or
 *   `@OptionalAuth()` over a requirement of a base class or an overridden method
 */
export function refuseContradictions(levels: readonly Level[]): void {
  for (const [index, { place, declarations }] of levels.entries()) {
    refuseContradictionWithin(place, declarations);
    const opening = declarations.find(isOpening);
    if (opening) refuseOpeningOf(levels.slice(index + 1), place, opening);
  }
}

function refuseContradictionWithin(place: string, declarations: readonly Declaration[]): void {
  if (!declarations.some(({ kind }) => kind === 'public')) return;
  const contradicting =
    declarations.find(isRequirement) ?? declarations.find(({ kind }) => kind === 'optional');
  if (!contradicting) return;
  throw new ConfigurationError(
    `${place}: @Public() requires no token, ${decoratorOf(contradicting)} requires one; remove one of them`,
  );
}

function refuseOpeningOf(bases: readonly Level[], place: string, opening: Opening): void {
  for (const base of bases) {
    const requirement = base.declarations.find(isRequirement);
    if (!requirement) continue;
    throw new ConfigurationError(
      `${place}: ${decoratorOf(opening)} opens what ${decoratorOf(requirement)} on ${base.place} protects; ` +
        'inheritance can add requirements, never remove them',
    );
  }
}
