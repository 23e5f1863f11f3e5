/** Adds an interceptor and a guard to gateways, because not every version of Nest applies global guards and filters to them. */
import 'reflect-metadata';
import {
  Logger,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { catchError, type Observable } from 'rxjs';
import { AuthError } from '../../errors/auth.errors.js';
import { isSocketRefusal } from '../../transport/ws.transport.js';
import { Refusals, routeOf } from '../refusals.js';
import { noChallenge } from './admission.js';
import { connectionOf } from './connection.js';

/** Metadata keys of Nest's decorators, the same in 11 and 12. */
const INTERCEPTORS = '__interceptors__';
const GUARDS = '__guards__';

/** Converts an {@link AuthError} of a handler into the response of the guard. Nest has no global filters for gateways. */
class AuthErrorInterceptor implements NestInterceptor {
  readonly #refusals = new Refusals(new Logger('AuthErrorFilter'));

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'ws') return next.handle();
    return next.handle().pipe(
      catchError((error: unknown) => {
        if (!(error instanceof AuthError)) throw error;
        throw this.#refusals.refuse(error, context, routeOf(context), noChallenge);
      }),
    );
  }
}

/** One for all applications in the process, because they share classes. */
const INTERCEPTOR = new AuthErrorInterceptor();

export function interceptErrors(gateway: Function): void {
  const others = metadataOf(INTERCEPTORS, gateway);
  if (!others.includes(INTERCEPTOR)) Reflect.defineMetadata(INTERCEPTORS, [INTERCEPTOR, ...others], gateway);
}

/** Nest 11 runs no global guard for gateways, so this one is added to the class. It delegates to the guard of its application. */
class GatewayGuard implements CanActivate {
  constructor(
    private readonly application: object,
    private readonly guard: () => CanActivate,
  ) {}

  canActivate(context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
    const [client] = context.getArgs<unknown[]>();
    const connection = connectionOf(client);
    // The connection belongs to another application in this process, which has the same class.
    if (connection && connection.place.application !== this.application) return true;
    return this.guard().canActivate(context);
  }
}

export function guardMessages(gateway: Function, application: object, guard: () => CanActivate): void {
  const others = metadataOf(GUARDS, gateway);
  Reflect.defineMetadata(GUARDS, [new GatewayGuard(application, guard), ...others], gateway);
}

function metadataOf(key: string, target: Function): readonly unknown[] {
  const found: unknown = Reflect.getMetadata(key, target);
  return Array.isArray(found) ? found : [];
}

interface NativeClient {
  on(event: 'exception', listener: (this: NativeClient, payload: unknown) => void): unknown;
  send(data: string): void;
}

interface Client {
  readonly readyState?: unknown;
  emit(event: string, payload: unknown): unknown;
  send(data: string): void;
}

/** Sends a rejection to a client, in the form in which Nest sends a `WsException`. */
export function sendException(client: object, exception: Error): void {
  const { getError } = exception as { readonly getError?: () => unknown };
  const data: unknown = getError?.call(exception);
  const target = client as Client;
  // With a client of `ws`, `emit()` reaches only listeners in this process.
  if (typeof target.readyState === 'number') target.send(JSON.stringify({ event: 'exception', data }));
  else target.emit('exception', data);
}

/** Sends rejections to a client of `ws`. Nest 11 does not send a `WsException` to it, but only emits it on the client object. */
export function sendRefusals(client: object): void {
  (client as NativeClient).on('exception', sendRefusal);
}

function sendRefusal(this: NativeClient, data: unknown): void {
  if (isSocketRefusal(data)) this.send(JSON.stringify({ event: 'exception', data }));
}
