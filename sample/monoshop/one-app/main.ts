/** Both APIs in one application, on the ports of both: clients do not see the difference. */
import 'reflect-metadata';
import { createServer, type RequestListener } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
await app.listen(process.env.PORT ?? 4001, '127.0.0.1');
createServer(app.getHttpAdapter().getInstance() as RequestListener).listen(4002, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
