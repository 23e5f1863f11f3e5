/** Where the operator reads. Nest's `Logger` fits; the rooms that do not know Nest are handed one. */
export interface Log {
  debug(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
