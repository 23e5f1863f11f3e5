/** What is this API made of? The same as the Product API; only the audience in its own `.env` differs. */
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { AuthModule } from 'nestjs-resource-server';
import { InvoicesController } from './invoices.controller.js';
import { ProductNames } from './product-names.js';
import { StatusController } from './status.controller.js';

// Compiled, this file is in sample/dist/monoshop/invoice-api; `.env` stays beside the source.
const envFilePath = fileURLToPath(new URL('../../../monoshop/invoice-api/.env', import.meta.url));

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true, envFilePath }), AuthModule.forRoot()],
  controllers: [InvoicesController, StatusController],
  providers: [ProductNames],
})
export class AppModule {}
