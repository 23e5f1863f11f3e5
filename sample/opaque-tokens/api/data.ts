/** What has been paid? In memory, each instance for itself: what they share is what they know about tokens. */
export interface NewPayment {
  readonly amount: number;
}

export interface Payment extends NewPayment {
  readonly id: number;
  readonly till: string;
}

const payments: Payment[] = [{ id: 1, amount: 12.5, till: 'till-1' }];

export function listPayments(): readonly Payment[] {
  return payments;
}

export function addPayment({ amount }: NewPayment, till: string): Payment {
  const payment = { id: payments.length + 1, amount, till };
  payments.push(payment);
  return payment;
}
