/** The injection token of `globalGuard`: is the guard registered under `APP_GUARD`? */
export const GLOBAL_GUARD = Symbol('nestjs-resource-server:global-guard');
