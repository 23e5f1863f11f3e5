import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()],
  controllers: [OrdersController],
  providers: [OrdersService],
})
export class AppModule {}
