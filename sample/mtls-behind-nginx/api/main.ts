/** The Order API: NestJS on Express. The same program behind nginx, in plain HTTP, and with TLS of its own. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { readServerTls } from '../server-tls.js';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(
  AppModule,
  process.env.TLS_CERTIFICATE ? { httpsOptions: readServerTls() } : {},
);
await app.listen(process.env.PORT ?? 4032, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
