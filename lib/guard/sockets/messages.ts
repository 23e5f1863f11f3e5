/** What stands on every gateway beside its own decorators: global guards and filters of Nest do not hold for gateways everywhere. */
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

/** Keys of Nest's own decorators, the same in 11 and 12. */
const INTERCEPTORS = '__interceptors__';
const GUARDS = '__guards__';

/** An {@link AuthError} that leaves a handler is answered as the guard would answer it: Nest has no global filters for gateways. */
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

/** Has no state: applications of one process share classes. */
const INTERCEPTOR = new AuthErrorInterceptor();

export function interceptErrors(gateway: Function): void {
  const others = metadataOf(INTERCEPTORS, gateway);
  if (!others.includes(INTERCEPTOR)) Reflect.defineMetadata(INTERCEPTORS, [INTERCEPTOR, ...others], gateway);
}

/** Nest 11 runs no global guard for gateways: this one stands on the class, and says what the guard of its application says. */
class GatewayGuard implements CanActivate {
  constructor(
    private readonly application: object,
    private readonly guard: () => CanActivate,
  ) {}

  canActivate(context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
    const [client] = context.getArgs<unknown[]>();
    const connection = connectionOf(client);
    // Another application of the process has the same class.
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

/** Tells a client of a refusal, as Nest tells it of a `WsException`. */
export function sendException(client: object, exception: Error): void {
  const { getError } = exception as { readonly getError?: () => unknown };
  const data: unknown = getError?.call(exception);
  const target = client as Client;
  // A client of `ws` emits to this side only.
  if (typeof target.readyState === 'number') target.send(JSON.stringify({ event: 'exception', data }));
  else target.emit('exception', data);
}

/** On Nest 11 a `WsException` reaches no client of `ws`: it is emitted on the client, on this side of the connection. */
export function sendRefusals(client: object): void {
  (client as NativeClient).on('exception', sendRefusal);
}

function sendRefusal(this: NativeClient, data: unknown): void {
  if (isSocketRefusal(data)) this.send(JSON.stringify({ event: 'exception', data }));
}
