/** Waits for the HTTP adapter. `NestFactory` sets it before it creates the providers, a testing module after that. */
import type { HttpAdapterHost } from '@nestjs/core';

const waiting = new WeakMap<HttpAdapterHost, (() => void)[]>();

/**
 * Calls `use` as soon as the host has its adapter; never if there is none, as in a microservice.
 *
 * If the adapter already exists, `use` is called directly, so that an exception prevents the start: in a subscription, RxJS would
 * turn it into an uncaught one, which ends the process.
 */
export function whenAdapterIsSet(host: HttpAdapterHost, use: () => void): void {
  // Nest before 11.1.4 has no `init$`.
  const { httpAdapter, init$ } = host as Partial<HttpAdapterHost>;
  if (httpAdapter) {
    use();
    return;
  }
  if (init$) {
    init$.subscribe(use);
    return;
  }
  const others = waiting.get(host);
  if (others) {
    others.push(use);
    return;
  }
  waiting.set(host, [use]);
  watchSetter(host);
}

function watchSetter(host: HttpAdapterHost): void {
  const prototype = Object.getPrototypeOf(host) as object;
  Object.defineProperty(host, 'httpAdapter', {
    configurable: true,
    get: () => Reflect.get(prototype, 'httpAdapter', host) as unknown,
    set(adapter: unknown) {
      Reflect.deleteProperty(host, 'httpAdapter');
      host.httpAdapter = adapter as HttpAdapterHost['httpAdapter'];
      for (const use of waiting.get(host) ?? []) use();
    },
  });
}
