/** Is this body a product? Runs after the guard: strangers do not get to know what a good body looks like. */
import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import type { NewProduct } from './data.js';

const MAX_NAME_LENGTH = 100;

@Injectable()
export class NewProductPipe implements PipeTransform<unknown, NewProduct> {
  transform(body: unknown): NewProduct {
    const { name, price } = toRecord(body);
    if (typeof name !== 'string' || name.trim() === '' || name.length > MAX_NAME_LENGTH) {
      throw new BadRequestException(`name must be a text of 1 to ${MAX_NAME_LENGTH} characters`);
    }
    if (typeof price !== 'number' || !Number.isFinite(price) || price < 0) {
      throw new BadRequestException('price must be a number, 0 or more');
    }
    return { name: name.trim(), price };
  }
}

function toRecord(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null ? { ...body } : {};
}
