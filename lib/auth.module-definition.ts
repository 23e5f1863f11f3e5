/** Builds `forRoot` and `forRootAsync`, and the injection token of the application's options. */
import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { AuthModuleOptions } from './options/auth-options.js';

/**
 * Options that are set next to those of `forRoot`, or next to `useFactory`, `useClass` or `useExisting` of `forRootAsync`.
 */
export interface GuardOptions {
  /**
   * `true`: `AuthGuard` guards every route. `false`: it guards only classes and handlers under `@UseGuards(AuthGuard)`; if a
   * decorator of an unguarded handler requires something, the application does not start.
   *
   * It can be set in code only. In the result of a `useFactory` it prevents the start, because Nest registers global guards
   * before it calls the factory.
   *
   * @default true
   */
  readonly globalGuard?: boolean | undefined;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<AuthModuleOptions>({
    moduleName: 'ResourceServer',
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createAuthOptions')
    .build();
