/** What is this API made of? The same as the Product API; only the audience in its own `.env` differs. */
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { InvoicesController } from './invoices.controller.js';
import { ProductNames } from './product-names.js';
import { StatusController } from './status.controller.js';

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true }), AuthModule.forRoot()],
  controllers: [InvoicesController, StatusController],
  providers: [ProductNames],
})
export class AppModule {}
