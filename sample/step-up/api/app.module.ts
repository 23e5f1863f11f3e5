/** What this API is made of. Everything about tokens is configuration, in `.env`. */
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { BankController } from './bank.controller.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()],
  controllers: [BankController, StatusController],
})
export class AppModule {}
