/** What is this server made of? Tokens and metadata are configuration, in `.env`; only the scopes are named here. */
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { McpController } from './mcp.controller.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true }),
    // Clients that call a tool which takes more are told so then: this is what everybody needs.
    AuthModule.forRoot({ resourceMetadata: true }),
  ],
  controllers: [McpController, StatusController],
})
export class AppModule {}
