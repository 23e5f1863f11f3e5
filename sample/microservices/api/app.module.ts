/** What is this service made of? The guard, and a controller of HTTP routes and message handlers. */
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { OrdersController } from './orders.controller.js';

// Compiled, this file is in sample/dist/microservices/api; `.env` stays beside the source.
const envFilePath = fileURLToPath(new URL('../../../microservices/api/.env', import.meta.url));

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true, envFilePath }), AuthModule.forRoot({ audit: 'error' })],
  controllers: [OrdersController],
})
export class AppModule {}
