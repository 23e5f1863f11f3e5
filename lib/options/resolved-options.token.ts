/** The injection token of {@link ResolvedOptions}. `Symbol.for`, so that two copies of this package share it. */
export const RESOLVED_OPTIONS = Symbol.for('nestjs-resource-server:options');
