/** Who may do what with products? It says so next to each route, and nowhere else. */
import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Param,
  ParseIntPipe,
  Post,
} from '@nestjs/common';
import { Groups, Scopes } from 'nestjs-resource-server';
import { addProduct, listProducts, removeProduct, type NewProduct, type Product } from './data.js';
import { NewProductPipe } from './new-product.pipe.js';

@Controller('products')
export class ProductsController {
  @Get()
  @Scopes('read:products')
  list(): readonly Product[] {
    return listProducts();
  }

  @Post()
  @Scopes('write:products')
  create(@Body(NewProductPipe) product: NewProduct): Product {
    return addProduct(product);
  }

  @Delete(':id')
  @Groups('admin')
  @HttpCode(204)
  remove(@Param('id', ParseIntPipe) id: number): void {
    if (!removeProduct(id)) throw new NotFoundException();
  }
}
