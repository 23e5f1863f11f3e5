/** What is this API made of? The guard, the gateway, and the page that connects to it. */
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { ChatGateway } from './chat.gateway.js';
import { PageController } from './page.controller.js';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot({ audit: 'error' })],
  controllers: [PageController],
  providers: [ChatGateway],
})
export class AppModule {}
