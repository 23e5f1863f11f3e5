/** Who may list orders, place them, and watch them? The same decorators for gRPC, for messages over TCP and for HTTP. */
import { Controller, Get } from '@nestjs/common';
import { EventPattern, GrpcMethod, MessagePattern, Payload } from '@nestjs/microservices';
import { Claims, Public, Scopes } from 'nestjs-resource-server';
import { from, concat, type Observable, Subject } from 'rxjs';

interface Order {
  readonly item: string;
}

const orders: Order[] = [{ item: 'a lamp' }];
const placed = new Subject<Order>();

@Controller()
export class OrdersController {
  @Get('status')
  @Public()
  show(): { status: string } {
    return { status: 'up' };
  }

  @GrpcMethod('Orders')
  @Scopes('read:orders')
  list(): { orders: readonly Order[] } {
    return { orders };
  }

  /** Ends when the token ends that it was opened with. */
  @GrpcMethod('Orders')
  @Scopes('read:orders')
  watch(): Observable<Order> {
    return concat(from(orders), placed);
  }

  @MessagePattern('orders.count')
  @Public()
  count(): number {
    return orders.length;
  }

  @MessagePattern('orders.last')
  @Scopes('read:orders')
  last(@Claims('sub') sub: string): object {
    return { for: sub, item: orders.at(-1)?.item };
  }

  /** An event: nobody answers it, also where it is refused. */
  @EventPattern('orders.placed')
  @Scopes('write:orders')
  add(@Payload() { item }: Order): void {
    orders.push({ item });
    placed.next({ item });
  }
}
