/** The logger for folders that do not import Nest. They receive Nest's `Logger`, which has this interface. */
export interface Log {
  debug(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
