/** Incorrect usage of the command. */
export class UsageError extends Error {}
