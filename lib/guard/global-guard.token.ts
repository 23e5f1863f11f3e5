/** The injection token of the option `globalGuard`: whether the guard is registered under `APP_GUARD`. */
export const GLOBAL_GUARD = Symbol('nestjs-resource-server:global-guard');
