/** What was ordered, and what is paid out? The same for everybody, but for the name on it. */
export interface Order {
  readonly id: number;
  readonly item: string;
}

export interface Payout {
  readonly client: string;
  readonly account: string;
}

const orders: readonly Order[] = [{ id: 1, item: 'a lamp' }];

export function listOrders(): readonly Order[] {
  return orders;
}

export function listPayouts(client: string): readonly Payout[] {
  return [{ client, account: 'DE00 0000 0000' }];
}
