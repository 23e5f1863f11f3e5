/** One microservice with one kind of guard, in a process of its own: `messages-server.js <transport> <variant> <issuer> <address>`. */
import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { GrpcMethod, MessagePattern, Transport } from '@nestjs/microservices';
import { VARIANTS } from './variants.js';

const [transport, variant, issuer, address] = process.argv.slice(2);

class Things {
  read() {
    return { text: 'x' };
  }
}

const { decorate = [], ...parts } = await VARIANTS[variant].setUp(issuer, {});
const read = Object.getOwnPropertyDescriptor(Things.prototype, 'read');
const pattern = transport === 'gRPC' ? GrpcMethod() : MessagePattern(`bench.${variant.replaceAll(' ', '-')}`);
for (const decorator of [pattern, ...decorate]) decorator(Things.prototype, 'read', read);
Controller()(Things);

class AppModule {}
Module({ controllers: [Things], ...parts })(AppModule);

const protoPath = fileURLToPath(new URL('things.proto', import.meta.url));
const app = await NestFactory.createMicroservice(AppModule, {
  ...(transport === 'gRPC'
    ? { transport: Transport.GRPC, options: { url: address, package: 'things', protoPath } }
    : { transport: Transport.NATS, options: { servers: [address] } }),
  logger: false,
});
await app.listen();
process.send('ready');
process.on('disconnect', () => process.exit());
