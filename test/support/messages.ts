/** Message transports with the clients of `@nestjs/microservices`: over TCP, and over the real brokers that the environment names. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectNats, headers as natsHeaders } from '@nats-io/transport-node';
import { Module, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  MqttRecordBuilder,
  NatsRecordBuilder,
  RmqRecordBuilder,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import type { ChannelWrapper } from 'amqp-connection-manager';
import { connect as connectRabbit, type ConfirmChannel } from 'amqplib';
import { Redis } from 'ioredis';
import { connectAsync as connectMqtt } from 'mqtt';
import { AuthModule, type AuthModuleOptions } from 'nestjs-resource-server';
import { outputLogger } from './output-logger.js';
import { freePort } from './ports.js';
import { REDIS_URL } from './redis.js';

export const NATS_URL = process.env['NATS_URL'];
export const RABBITMQ_URL = process.env['RABBITMQ_URL'];
export const MQTT_URL = process.env['MQTT_URL'];

/** Names and values, in this order, repeated ones too. */
export type HeaderLines = readonly (readonly [name: string, value: unknown])[];

export interface MessageKind {
  readonly name: string;
  /** `undefined`: no broker is needed. */
  readonly variable?: string;
  readonly available: boolean;
  options(): Promise<MicroserviceOptions>;
  /** A payload with headers, as the transport's own client sends it. */
  record(data: unknown, lines: HeaderLines): unknown;
  /** Sends bytes to a handler past Nest's client, by a client of the broker itself. */
  sendBytes(microservice: MicroserviceOptions, pattern: string, bytes: Buffer): Promise<void>;
}

/** What the hook below puts into packets, by the payload that is sent. */
const metadataOf = new WeakMap<object, unknown>();

const inPacket = (data: unknown, lines: HeaderLines): unknown => {
  const payload = { ...(data as object) };
  metadataOf.set(payload, membersOf(lines));
  return payload;
};

/** One member for each name; of a repeated one the list of its values. */
function membersOf(lines: HeaderLines): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const [name, value] of lines) {
    const known = members[name];
    members[name] = known === undefined ? value : [known, value].flat();
  }
  return members;
}

export const KINDS: readonly MessageKind[] = [
  {
    name: 'TCP',
    available: true,
    options: async () => ({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: await freePort() },
    }),
    record: inPacket,
    sendBytes: async (microservice, _pattern, bytes) => {
      const { port } = (microservice as { options: { port: number } }).options;
      const socket = connectTcp(port, '127.0.0.1');
      socket.on('error', () => undefined).resume();
      await once(socket, 'connect');
      socket.end(Buffer.concat([Buffer.from(`${bytes.length}#`), bytes]));
    },
  },
  {
    name: 'Redis',
    variable: 'REDIS_URL',
    available: REDIS_URL !== undefined,
    options: async () => {
      const { hostname, port } = new URL(REDIS_URL ?? '');
      return { transport: Transport.REDIS, options: { host: hostname, port: Number(port) } };
    },
    record: inPacket,
    sendBytes: async (_microservice, pattern, bytes) => {
      const redis = new Redis(REDIS_URL ?? '');
      await redis.publish(pattern, bytes);
      redis.disconnect();
    },
  },
  {
    name: 'NATS',
    variable: 'NATS_URL',
    available: NATS_URL !== undefined,
    options: async () => ({ transport: Transport.NATS, options: { servers: [NATS_URL ?? ''] } }),
    record: (data, lines) => {
      const headers = natsHeaders();
      for (const [name, value] of lines) headers.append(name, String(value));
      return new NatsRecordBuilder(data).setHeaders(headers).build();
    },
    sendBytes: async (_microservice, pattern, bytes) => {
      const nats = await connectNats({ servers: [NATS_URL ?? ''] });
      nats.publish(pattern, bytes);
      await nats.drain();
    },
  },
  {
    name: 'RabbitMQ',
    variable: 'RABBITMQ_URL',
    available: RABBITMQ_URL !== undefined,
    options: async () => ({
      transport: Transport.RMQ,
      options: {
        urls: [RABBITMQ_URL ?? ''],
        queue: `resource-server-${randomUUID()}`,
        queueOptions: { durable: false, expires: 60_000 },
      },
    }),
    record: (data, lines) =>
      new RmqRecordBuilder(data).setOptions({ headers: membersOf(lines) as Record<string, string> }).build(),
    sendBytes: async (microservice, _pattern, bytes) => {
      const { queue } = (microservice as { options: { queue: string } }).options;
      const connection = await connectRabbit(RABBITMQ_URL ?? '');
      const channel = await connection.createConfirmChannel();
      channel.sendToQueue(queue, bytes);
      await channel.waitForConfirms();
      await connection.close();
    },
  },
  {
    name: 'MQTT',
    variable: 'MQTT_URL',
    available: MQTT_URL !== undefined,
    options: async () => ({
      transport: Transport.MQTT,
      options: { url: MQTT_URL ?? '', protocolVersion: 5 },
    }),
    record: (data, lines) => {
      const record = new MqttRecordBuilder(data);
      // An empty list of properties is a malformed packet to the client.
      if (lines.length > 0)
        record.setProperties({ userProperties: membersOf(lines) as Record<string, string> });
      return record.build();
    },
    sendBytes: async (_microservice, pattern, bytes) => {
      const mqtt = await connectMqtt(MQTT_URL ?? '', { protocolVersion: 5 });
      await mqtt.publishAsync(pattern, bytes, { qos: 1 });
      await mqtt.endAsync();
    },
  },
];

/** A microservice that stands alone, without filters of its own. */
export async function startMicroservice(
  options: AuthModuleOptions,
  microservice: MicroserviceOptions,
  {
    controllers,
    providers = [],
  }: { controllers: readonly Type[]; providers?: readonly never[] | readonly object[] },
): Promise<INestMicroservice> {
  @Module({
    imports: [AuthModule.forRoot(options)],
    controllers: [...controllers],
    providers: [...(providers as never[])],
  })
  class MicroserviceModule {}
  const app = await NestFactory.createMicroservice(MicroserviceModule, {
    ...microservice,
    logger: outputLogger,
    abortOnError: false,
  } as never);
  await app.listen();
  if ('transport' in microservice && microservice.transport === Transport.RMQ) closeAfterConfirms(app);
  return app;
}

/** RabbitMQ may confirm a response after the client has it. An unconfirmed one rejects a promise that Nest does not await. */
function closeAfterConfirms(app: INestMicroservice): void {
  const server = app.getTransportServer() as unknown as {
    readonly channel: ChannelWrapper;
    close(): Promise<void>;
  };
  const close = server.close.bind(server);
  server.close = async () => {
    await server.channel.addSetup((confirming: ConfirmChannel) => confirming.waitForConfirms());
    await close();
  };
}

export function connectClient(microservice: MicroserviceOptions): ClientProxy {
  const client = ClientProxyFactory.create(microservice as never) as unknown as ClientProxy;
  client.setOnDispatchHook((packet) => {
    const { data } = packet;
    if (typeof data === 'object' && data !== null && metadataOf.has(data))
      packet.metadata = metadataOf.get(data) as never;
  });
  return client;
}
