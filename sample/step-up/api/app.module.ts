/** What this API is made of. Everything about tokens is configuration, in `.env`. */
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { BankController } from './bank.controller.js';
import { StatusController } from './status.controller.js';

// Compiled, this file is in sample/dist/step-up/api; `.env` stays beside the source.
const envFilePath = fileURLToPath(new URL('../../../step-up/api/.env', import.meta.url));

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true, envFilePath }), AuthModule.forRoot()],
  controllers: [BankController, StatusController],
})
export class AppModule {}
