/** The order service: a hybrid application. HTTP for its status, gRPC and messages over TCP for orders. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { AppModule } from './app.module.js';
import { GRPC, TCP } from './addresses.js';

const app = await NestFactory.create(AppModule);
// Without it Nest runs no global guard for messages; the module then refuses to start, by `audit: 'error'`.
const inherit = { inheritAppConfig: true };
app.connectMicroservice<MicroserviceOptions>({ transport: Transport.GRPC, options: GRPC }, inherit);
app.connectMicroservice<MicroserviceOptions>({ transport: Transport.TCP, options: TCP }, inherit);
await app.startAllMicroservices();
await app.listen(4061, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
