/** The injection token of {@link ResolvedOptions}. Registered: two copies of this package agree. */
export const RESOLVED_OPTIONS = Symbol.for('nestjs-resource-server:options');
