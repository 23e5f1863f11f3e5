/** Is this body a payment? Runs after the guard: strangers do not get to know what a good body looks like. */
import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import type { NewPayment } from './data.js';

@Injectable()
export class NewPaymentPipe implements PipeTransform<unknown, NewPayment> {
  transform(body: unknown): NewPayment {
    const { amount } = Object(body) as { readonly amount?: unknown };
    if (typeof amount !== 'number' || !Number.isFinite(amount) || amount <= 0) {
      throw new BadRequestException('amount must be a number, more than 0');
    }
    return { amount };
  }
}
