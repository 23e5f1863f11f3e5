/** What was ordered, and what was paid? In memory, each instance for itself: what they share is which proofs were used. */
export interface Order {
  readonly id: number;
  readonly item: string;
}

export interface Payment {
  readonly id: number;
  readonly shop: string;
}

const orders: readonly Order[] = [{ id: 1, item: 'a lamp' }];

let payments = 0;

export function listOrders(): readonly Order[] {
  return orders;
}

export function addPayment(shop: string): Payment {
  payments += 1;
  return { id: payments, shop };
}
