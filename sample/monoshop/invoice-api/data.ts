/** What has the shop billed? */
export interface Invoice {
  readonly id: string;
  readonly customer: string;
  readonly total: number;
  readonly paid: boolean;
}

const invoices: readonly Invoice[] = [
  { id: '2025-001', customer: 'Café Central', total: 114, paid: true },
  { id: '2025-002', customer: 'Tea & Co', total: 340, paid: false },
];

export function listInvoices(): readonly Invoice[] {
  return invoices;
}
