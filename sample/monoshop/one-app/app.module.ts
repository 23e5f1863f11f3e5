/** Both APIs in one application. Each controller names its API, and accepts tokens for that API only. */
import { fileURLToPath } from 'node:url';
import { Controller, Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { Audience, AuthModule } from 'nestjs-resource-server';
import { InvoicesController } from '../invoice-api/invoices.controller.js';
import { MeController } from '../product-api/me.controller.js';
import { ProductsController } from '../product-api/products.controller.js';
import { StatusController } from '../product-api/status.controller.js';

const PRODUCTS = 'http://api.monoshop.com/products';
const INVOICES = 'http://api.monoshop.com/invoices';

/** The routes and requirements of the class that it extends. */
@Controller('products')
@Audience(PRODUCTS)
export class ProductsOfOneApp extends ProductsController {}

@Controller('me')
@Audience(PRODUCTS)
export class MeOfOneApp extends MeController {}

@Controller('invoices')
@Audience(INVOICES)
export class InvoicesOfOneApp extends InvoicesController {}

// Compiled, this file is in sample/dist/monoshop/one-app; `.env` stays beside the source.
const envFilePath = fileURLToPath(new URL('../../../monoshop/one-app/.env', import.meta.url));

@Module({
  imports: [ConfigModule.forRoot({ isGlobal: true, envFilePath }), AuthModule.forRoot()],
  controllers: [ProductsOfOneApp, MeOfOneApp, InvoicesOfOneApp, StatusController],
})
export class AppModule {}
