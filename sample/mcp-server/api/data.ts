/** The orders, in memory. */
export interface Order {
  readonly id: number;
  readonly item: string;
}

const orders = new Map<number, Order>([
  [1, { id: 1, item: 'a lamp' }],
  [2, { id: 2, item: 'a chair' }],
]);

export function listOrders(): readonly Order[] {
  return [...orders.values()];
}

/** @returns whether there was one */
export function cancelOrder(id: number): boolean {
  return orders.delete(id);
}
