/** The command itself is used wrongly. */
export class UsageError extends Error {}
