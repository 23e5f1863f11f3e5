/** Who may pay? Where money moves, a token that would work for whoever has it is not enough. */
import { Controller, Post } from '@nestjs/common';
import { Claims, DPoPBound, Scopes } from 'nestjs-resource-server';
import { addPayment, type Payment } from './data.js';

@Controller('payments')
export class PaymentsController {
  @Post()
  @DPoPBound()
  @Scopes('write:payments')
  pay(@Claims('sub') shop: string): Payment {
    return addPayment(shop);
  }
}
