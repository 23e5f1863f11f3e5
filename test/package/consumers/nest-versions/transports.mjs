/** Message handlers over real transports, with the clients of this version of Nest: TCP, NATS and gRPC. */
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as common from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as microservices from '@nestjs/microservices';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { AuthModule, Claims, Public, Scopes } from 'nestjs-resource-server';
import { firstValueFrom, interval, map } from 'rxjs';
import { decorate, makeModule, OPTIONS, orRefusal, SETTINGS } from './nest.mjs';

const { TOKEN, NATS_URL } = process.env;
const { ClientProxyFactory, NatsRecordBuilder, Transport } = microservices;
const PATTERN = `consumer-${process.pid}-${Date.now()}`;
const protoPath = fileURLToPath(new URL('things.proto', import.meta.url));

function makeThings() {
  class Things {
    read(sub) {
      return { text: typeof sub };
    }
    refund() {
      return { text: 'refunded' };
    }
    open() {
      return { text: 'open' };
    }
    watch() {
      return interval(20).pipe(map((n) => ({ text: String(n) })));
    }
    chat(messages) {
      return messages.pipe(map(({ text }) => ({ text })));
    }
  }
  const on = (name) => [microservices.MessagePattern(`${PATTERN}.${name}`)];
  Claims('sub')(Things.prototype, 'read', 0);
  // It puts another function in the method's place.
  const chat = Object.getOwnPropertyDescriptor(Things.prototype, 'chat');
  microservices.GrpcStreamMethod()(Things.prototype, 'chat', chat);
  Object.defineProperty(Things.prototype, 'chat', chat);
  return decorate(Things, [common.Controller()], {
    read: [microservices.GrpcMethod()],
    refund: [...on('refund'), Scopes('admin')],
    open: [...on('open'), Public()],
    watch: [microservices.GrpcMethod()],
  });
}

/** The same for transports with patterns: a handler has one. */
function makeMessages() {
  const Messages = makeThings();
  for (const name of ['read', 'watch']) {
    const descriptor = Object.getOwnPropertyDescriptor(Messages.prototype, name);
    microservices.MessagePattern(`${PATTERN}.${name}`)(Messages.prototype, name, descriptor);
  }
  return Messages;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function serve(controller, options, more = {}) {
  const imports = [AuthModule.forRoot({ ...OPTIONS, ...more })];
  const app = await NestFactory.createMicroservice(makeModule({ imports, controllers: [controller] }), {
    ...SETTINGS,
    ...options,
  });
  await app.listen();
  return app;
}

/** Until the stream ends, which it does with its token: tomorrow is now. */
function untilEnd(stream) {
  const now = Date.now;
  return new Promise((resolve) => {
    stream.subscribe({
      next: () => (Date.now = () => now() + 86_400_000),
      error: (error) => resolve(`ended ${error.errorCode ?? error.metadata?.get('error-code')[0]}`),
      complete: () => resolve('completed'),
    });
  }).finally(() => (Date.now = now));
}

/** @param record a payload with a token, as the transport has it */
async function askAll(options, record, more) {
  const app = await serve(makeMessages(), options, more);
  const client = ClientProxyFactory.create(options);
  const send = (name, payload) => client.send(`${PATTERN}.${name}`, payload);
  const answer = (name, payload) =>
    firstValueFrom(send(name, payload)).then(
      ({ text }) => text,
      ({ errorCode }) => errorCode,
    );
  const answers = [
    await answer('read', {}),
    await answer('read', record(TOKEN)),
    await answer('read', record('garbage')),
    await answer('refund', record(TOKEN)),
    await answer('open', {}),
    await untilEnd(send('watch', record(TOKEN))),
  ];
  await client.close();
  await app.close();
  return answers.join(', ');
}

/** Without headers, on Nest 11 and 12 alike. */
export const askTcp = () =>
  orRefusal(async () =>
    askAll(
      { transport: Transport.TCP, options: { host: '127.0.0.1', port: await freePort() } },
      (token) => ({ token }),
      { messageTokenResolver: (context) => context.switchToRpc().getData().token },
    ),
  );

export const askNats = () =>
  orRefusal(async () => {
    // Nest 11 has another client.
    const { headers } = await import('@nats-io/transport-node').catch(() => import('nats'));
    return askAll({ transport: Transport.NATS, options: { servers: [NATS_URL] } }, (token) => {
      const lines = headers();
      lines.set('Authorization', `Bearer ${token}`);
      return new NatsRecordBuilder({}).setHeaders(lines).build();
    });
  });

export const hasNats = NATS_URL !== undefined;

export const askGrpc = () =>
  orRefusal(async () => {
    const url = `127.0.0.1:${await freePort()}`;
    const app = await serve(makeThings(), {
      transport: Transport.GRPC,
      options: { url, package: 'things', protoPath },
    });
    const { things } = grpc.loadPackageDefinition(loadSync(protoPath));
    const client = new things.Things(url, grpc.credentials.createInsecure());
    const metadata = (token) => {
      const made = new grpc.Metadata();
      if (token) made.set('authorization', `Bearer ${token}`);
      return made;
    };
    const read = (token) =>
      new Promise((resolve) =>
        client.read({ text: 'x' }, metadata(token), (error, reply) =>
          resolve(error ? error.code : reply.text),
        ),
      );
    const streamed = (stream) => ({
      subscribe: ({ next, error, complete }) =>
        stream.on('data', next).on('error', error).on('end', complete),
    });
    const chat = (token) => {
      const stream = client.chat(metadata(token));
      stream.write({ text: 'x' });
      return streamed(stream);
    };
    const answers = [
      await read(),
      await read(TOKEN),
      await read('garbage'),
      await untilEnd(streamed(client.watch({}, metadata(TOKEN)))),
      await untilEnd(chat()),
      await untilEnd(chat(TOKEN)),
    ];
    client.close();
    await app.close();
    return answers.join(', ');
  });
