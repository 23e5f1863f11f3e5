/** What is this API made of? Its own `.env` names the issuer and the audience; `AuthModule` protects every route. */
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { MeController } from './me.controller.js';
import { ProductsController } from './products.controller.js';
import { StatusController } from './status.controller.js';

// Compiled, this file is in sample/dist/monoshop/product-api; `.env` stays beside the source.
const envFilePath = fileURLToPath(new URL('../../../monoshop/product-api/.env', import.meta.url));

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true, envFilePath }), AuthModule.forRoot()],
  controllers: [ProductsController, MeController, StatusController],
})
export class AppModule {}
