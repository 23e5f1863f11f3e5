/** Who may see payments, and who may make one? Where money moves, a token must be good now, not a while ago. */
import { Body, Controller, Get, Post } from '@nestjs/common';
import { Claims, Introspect, Scopes } from 'nestjs-resource-server';
import { addPayment, listPayments, type NewPayment, type Payment } from './data.js';
import { NewPaymentPipe } from './new-payment.pipe.js';

@Controller('payments')
export class PaymentsController {
  /** What was known about the token in the last 300 seconds will do. */
  @Get()
  @Scopes('read:payments')
  list(): readonly Payment[] {
    return listPayments();
  }

  /** The authorization server is asked each time. */
  @Post()
  @Introspect()
  @Scopes('write:payments')
  pay(@Body(NewPaymentPipe) payment: NewPayment, @Claims('sub') till: string): Payment {
    return addPayment(payment, till);
  }
}
