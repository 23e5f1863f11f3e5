import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { HealthController } from './health.controller.js';
import { OrdersController } from './orders.controller.js';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()],
  controllers: [HealthController, OrdersController],
})
export class AppModule {}
