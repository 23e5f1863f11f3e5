/** What is this API made of? Its own `.env` names the issuer and the audience; `AuthModule` protects every route. */
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { MeController } from './me.controller.js';
import { ProductsController } from './products.controller.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()],
  controllers: [ProductsController, MeController, StatusController],
})
export class AppModule {}
