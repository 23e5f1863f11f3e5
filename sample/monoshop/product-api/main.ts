/** The Product API: NestJS on Express, port 4001. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { serveOpenApi } from './openapi.js';

const app = await NestFactory.create(AppModule);
serveOpenApi(app);
await app.listen(process.env.PORT ?? 4001, '127.0.0.1');

// The starter holds the other end: when it is gone, however that happened, so are we.
process.on('disconnect', () => process.exit());
