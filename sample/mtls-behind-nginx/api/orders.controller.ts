/** Who may see the orders? A bound token needs its certificate here too; one that was never bound will still do. */
import { Controller, Get } from '@nestjs/common';
import { Scopes } from 'nestjs-resource-server';
import { listOrders, type Order } from './data.js';

@Controller('orders')
export class OrdersController {
  @Get()
  @Scopes('read:orders')
  list(): readonly Order[] {
    return listOrders();
  }
}
