/** Who may see orders, place them, watch them, and see what they earn? */
import { Args, Mutation, Parent, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { Public, Scopes } from 'nestjs-resource-server';
import { listOrders, MarginType, Order, placeOrder, watchOrders } from './data.js';

@Resolver(() => Order)
export class OrdersResolver {
  @Query(() => String)
  @Public()
  motto(): string {
    return 'light for everybody';
  }

  @Query(() => [Order], { nullable: true })
  @Scopes('read:orders')
  orders(): readonly Order[] {
    return listOrders();
  }

  @Mutation(() => Order, { nullable: true })
  @Scopes('write:orders')
  place(@Args('item', { type: () => String }) item: string): Order {
    return placeOrder(item);
  }

  /** Ends when the token ends that it was opened with. */
  @Subscription(() => Order, { resolve: ([order]: readonly [Order]) => order })
  @Scopes('read:orders')
  placed(): AsyncIterable<readonly [Order]> {
    return watchOrders();
  }

  @ResolveField(MarginType, { nullable: true })
  @Scopes('read:margins')
  margin(@Parent() order: Order): number {
    return order.margin;
  }
}
