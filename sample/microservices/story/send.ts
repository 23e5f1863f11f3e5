/** How do clients send? gRPC with metadata, TCP with the metadata of the packet. The answers, in one line each. */
import {
  credentials,
  loadPackageDefinition,
  Metadata,
  type ChannelCredentials,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ClientProxyFactory, Transport, type ClientProxy } from '@nestjs/microservices';
import { firstValueFrom, lastValueFrom } from 'rxjs';
import { findSources, shorten } from '#support/launch/env-file.js';
import { bearer } from '#support/story/step.js';
import { GRPC, TCP } from '../api/addresses.js';

/** The client's, from where it runs. */
export const PROTO = shorten(findSources(new URL('../api/orders.proto', import.meta.url)));

interface Orders {
  list(
    request: object,
    metadata: Metadata,
    callback: (error: ServiceError | null, reply: unknown) => void,
  ): void;
  watch(request: object, metadata: Metadata): NodeJS.EventEmitter;
  close(): void;
}
type OrdersClass = new (address: string, channel: ChannelCredentials) => Orders;

function connectGrpc(): Orders {
  const { orders } = loadPackageDefinition(loadSync(PROTO)) as unknown as {
    orders: { Orders: OrdersClass };
  };
  return new orders.Orders(GRPC.url, credentials.createInsecure());
}

function metadataFor(token: string): Metadata {
  const metadata = new Metadata();
  if (token) metadata.set('authorization', bearer(token));
  return metadata;
}

function describe({ code, details, metadata }: ServiceError): string {
  return `${code} ${details}, ${String(metadata.get('error-code')[0])}`;
}

export async function list(token: string): Promise<Response> {
  const client = connectGrpc();
  const answer = await new Promise<string>((resolve) =>
    client.list({}, metadataFor(token), (error, reply) =>
      resolve(error ? describe(error) : JSON.stringify(reply)),
    ),
  );
  client.close();
  return new Response(answer);
}

/** Everything that comes until the stream ends. */
export async function watch(token: string): Promise<Response> {
  const client = connectGrpc();
  const heard: string[] = [];
  await new Promise<void>((resolve) => {
    const stream = client.watch({}, metadataFor(token));
    stream.on('data', ({ item }: { readonly item: string }) => void heard.push(item));
    stream.on('error', (error: ServiceError) => {
      heard.push(`ended: ${describe(error)}`);
      resolve();
    });
  });
  client.close();
  return new Response(heard.join(', then '));
}

function connectTcp(token: string): ClientProxy {
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: TCP });
  client.setOnDispatchHook((packet) => {
    if (token) packet.metadata = { authorization: bearer(token) };
  });
  return client;
}

export async function ask(pattern: string, token: string): Promise<Response> {
  const client = connectTcp(token);
  try {
    return new Response(JSON.stringify(await firstValueFrom(client.send(pattern, {}))));
  } catch (error) {
    return new Response(JSON.stringify(error));
  } finally {
    void client.close();
  }
}

/** Nobody answers an event: the number of orders tells whether it was heard, a moment later. */
export async function emit(item: string, token: string): Promise<Response> {
  const client = connectTcp(token);
  await lastValueFrom(client.emit('orders.placed', { item }), { defaultValue: undefined });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const count: unknown = await firstValueFrom(client.send('orders.count', {}));
  void client.close();
  return new Response(`sent; ${String(count)} orders`);
}
