/** The injection token of {@link ResolvedOptions}. */
export const RESOLVED_OPTIONS = Symbol('nestjs-resource-server:options');
