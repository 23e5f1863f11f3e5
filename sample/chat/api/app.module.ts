/** What is this API made of? The guard, the gateway, and the page that connects to it. */
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { ChatGateway } from './chat.gateway.js';
import { PageController } from './page.controller.js';

// Compiled, this file is in sample/dist/chat/api; `.env` stays beside the source.
const envFilePath = fileURLToPath(new URL('../../../chat/api/.env', import.meta.url));

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true, envFilePath }), AuthModule.forRoot({ audit: 'error' })],
  controllers: [PageController],
  providers: [ChatGateway],
})
export class AppModule {}
