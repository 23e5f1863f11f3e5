/** A Nest application of the given controllers behind AuthModule, listening on a free port. */
import { Controller, Get, type ArgumentsHost, type INestApplication, type Type } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { AuthModule, type AuthModuleOptions } from 'nestjs-resource-server';
import { collect } from './no-secrets-in-output.js';
import { outputLogger } from './output-logger.js';
import type { Server } from 'node:http';
import { send, type Answer, type Call } from './http.js';

export type Platform = 'Express' | 'Fastify';
export const PLATFORMS: readonly Platform[] = ['Express', 'Fastify'];

export interface TestApp {
  readonly nest: INestApplication;
  readonly origin: string;
  get(path: string, headers?: Call['headers']): Promise<Answer>;
  send(path: string, call?: Call): Promise<Answer>;
  close(): Promise<void>;
}

export type Controllers = readonly Type[];

export interface AppSettings {
  readonly platform: Platform;
  /** @default one with `GET /things`, which requires a valid token and nothing more */
  readonly controllers?: Controllers;
  readonly imports?: readonly NonNullable<
    Parameters<typeof Test.createTestingModule>[0]['imports']
  >[number][];
  readonly providers?: readonly NonNullable<
    Parameters<typeof Test.createTestingModule>[0]['providers']
  >[number][];
  readonly customize?: (builder: TestingModuleBuilder) => void;
  /** @default a free one */
  readonly port?: number;
  readonly beforeListening?: (nest: INestApplication) => void | Promise<void>;
}

@Controller()
export class ThingsController {
  @Get('things') list(): string {
    return 'things';
  }
}

/** With these options, or with the environment alone where there are none. */
export function bootApp(options: AuthModuleOptions | undefined, settings: AppSettings): Promise<TestApp> {
  return bootModule([AuthModule.forRoot(options), ...(settings.imports ?? [])], settings);
}

export async function bootModule(
  imports: NonNullable<AppSettings['imports']>,
  {
    platform,
    controllers = [ThingsController],
    providers = [],
    customize,
    beforeListening,
    port = 0,
  }: AppSettings,
): Promise<TestApp> {
  const builder = Test.createTestingModule({
    imports: [...imports],
    controllers: [...controllers],
    providers: [...providers],
  }).setLogger(outputLogger);
  customize?.(builder);
  const module = await builder.compile();
  const nest =
    platform === 'Express'
      ? module.createNestApplication(new ExpressAdapter())
      : module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  nest.useGlobalFilters(new CollectingFilter(nest.getHttpAdapter()));
  await beforeListening?.(nest);
  await nest.listen(port, '127.0.0.1');
  // A test that fails before it closes must not keep the run from ending.
  const server = nest.getHttpServer() as Server;
  server.unref();
  const origin = (await nest.getUrl()).replace('[::1]', '127.0.0.1');
  return {
    nest,
    origin,
    get: (path, headers) => send(origin + path, headers === undefined ? {} : { headers }),
    send: (path, call) => send(origin + path, call),
    close: async () => {
      // Whoever still holds a connection has had its answer.
      server.closeAllConnections();
      await nest.close();
    },
  };
}

/** Answers as Nest does; what an application's own filter would see is watched for secrets. */
class CollectingFilter extends BaseExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): void {
    collect(exception);
    // What is thrown on is the answer of every other transport.
    if (host.getType() !== 'http') throw exception;
    super.catch(exception, host);
  }
}
