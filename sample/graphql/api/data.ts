/** What was ordered? In memory. Who wants to hear of new orders is told. */
import { EventEmitter, on } from 'node:events';
import { Field, Float, Int, ObjectType } from '@nestjs/graphql';

@ObjectType()
export class Order {
  @Field(() => Int) readonly id: number;
  @Field(() => String) readonly item: string;
  /** What the shop earns by it: a field of its own, for some. */
  readonly margin: number;

  constructor(id: number, item: string, margin: number) {
    this.id = id;
    this.item = item;
    this.margin = margin;
  }
}

export const MarginType = (): typeof Float => Float;

const orders: Order[] = [new Order(1, 'a lamp', 4.2)];
const events = new EventEmitter();

export function listOrders(): readonly Order[] {
  return orders;
}

export function placeOrder(item: string): Order {
  const order = new Order(orders.length + 1, item, 1.5);
  orders.push(order);
  events.emit('placed', order);
  return order;
}

/** Each new order, in a list of its own. */
export function watchOrders(): AsyncIterable<readonly [Order]> {
  return on(events, 'placed') as AsyncIterable<readonly [Order]>;
}
