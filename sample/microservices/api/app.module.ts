/** What is this service made of? The guard, and a controller of HTTP routes and message handlers. */
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { OrdersController } from './orders.controller.js';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot({ audit: 'error' })],
  controllers: [OrdersController],
})
export class AppModule {}
