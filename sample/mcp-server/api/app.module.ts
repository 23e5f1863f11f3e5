/** What is this server made of? Tokens and metadata are configuration, in `.env`; only the scopes are named here. */
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { McpController } from './mcp.controller.js';
import { StatusController } from './status.controller.js';

// Compiled, this file is in sample/dist/mcp-server/api; `.env` stays beside the source.
const envFilePath = fileURLToPath(new URL('../../../mcp-server/api/.env', import.meta.url));

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, envFilePath }),
    // Clients that call a tool which takes more are told so then: this is what everybody needs.
    AuthModule.forRoot({ resourceMetadata: true }),
  ],
  controllers: [McpController, StatusController],
})
export class AppModule {}
