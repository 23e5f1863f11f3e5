/** Observes which microservices an application connects, and with which configuration. Nest does not expose this. */
import { NestApplication } from '@nestjs/core';

/** Receives the notifications. */
interface Listener {
  connect(inheritsConfiguration: boolean): void;
  check(): void;
}

type Find = (app: NestApplication) => Listener;

const watched = new WeakSet<object>();

/**
 * Makes `connectMicroservice()` of every application notify the application's listener, if it has one, whether global guards
 * apply to the microservice, and `startAllMicroservices()` call its check before messages arrive.
 *
 * Wraps the methods of Nest's class, once, because there is no hook, and no provider knows the application.
 *
 * @param find throws if the application has no listener
 */
export function watchHybridApplications(find: Find): void {
  const { prototype } = NestApplication;
  if (watched.has(prototype)) return;
  watched.add(prototype);

  const { connectMicroservice, startAllMicroservices } = prototype;
  prototype.connectMicroservice = function (
    this: NestApplication,
    ...args: Parameters<NestApplication['connectMicroservice']>
  ) {
    const [, hybridOptions] = args;
    listenerOf(this, find)?.connect(Boolean(hybridOptions?.inheritAppConfig));
    return connectMicroservice.apply(this, args);
  } as NestApplication['connectMicroservice'];
  prototype.startAllMicroservices = async function (this: NestApplication) {
    listenerOf(this, find)?.check();
    return startAllMicroservices.call(this);
  };
}

function listenerOf(app: NestApplication, find: Find): Listener | undefined {
  try {
    return find(app);
  } catch {
    return undefined;
  }
}
