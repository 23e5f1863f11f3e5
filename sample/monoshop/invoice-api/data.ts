/** What has the shop billed? */
export interface Invoice {
  readonly id: string;
  readonly customer: string;
  readonly total: number;
  readonly paid: boolean;
}

/** What was sold: the Product API knows what it is. */
export interface Item {
  readonly productId: number;
  readonly quantity: number;
}

const invoices: Invoice[] = [
  { id: '2025-001', customer: 'Café Central', total: 114, paid: true },
  { id: '2025-002', customer: 'Tea & Co', total: 340, paid: false },
];

export function listInvoices(): readonly Invoice[] {
  return invoices;
}

/** @returns `undefined` if there is no such invoice */
export function payInvoice(id: string): Invoice | undefined {
  const index = invoices.findIndex((invoice) => invoice.id === id);
  const invoice = invoices[index];
  return invoice && (invoices[index] = { ...invoice, paid: true });
}

const items: Readonly<Record<string, readonly Item[]>> = {
  '2025-001': [{ productId: 1, quantity: 12 }],
  '2025-002': [{ productId: 2, quantity: 10 }],
};

export function listItems(invoiceId: string): readonly Item[] | undefined {
  return Object.hasOwn(items, invoiceId) ? items[invoiceId] : undefined;
}
