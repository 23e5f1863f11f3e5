/** forRoot and forRootAsync, and the token that the application's options are provided under. */
import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { AuthModuleOptions } from './options/auth-options.js';

/** Beside the options of `forRoot`, and beside `useFactory`, `useClass` or `useExisting` of `forRootAsync`. */
export interface GuardOptions {
  /**
   * `AuthGuard` guards every route. With `false` it guards the classes and handlers under `@UseGuards(AuthGuard)` only; a
   * handler with a decorator that requires something, and without the guard, stops the start.
   *
   * For code only. In the answer of a `useFactory` it stops the start: Nest decides about global guards before it asks.
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
