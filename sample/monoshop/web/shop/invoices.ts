/** What has the shop billed? The Invoice API knows. */
import 'server-only';
import { callApi, type Outcome } from './call-api';
import { readList } from './read-list';

export interface Invoice {
  readonly id: string;
  readonly customer: string;
  readonly total: number;
  readonly paid: boolean;
}

export interface Item {
  readonly product: string;
  readonly quantity: number;
}

export interface Summary {
  /** Everything that was billed. */
  readonly revenue: number;
  readonly received: number;
  readonly paid: number;
}

const shape = { id: 'string', customer: 'string', total: 'number', paid: 'boolean' } as const;

export async function listInvoices(): Promise<Outcome<readonly Invoice[]>> {
  return readList<Invoice>(await callApi('invoices', { path: '/invoices' }), shape);
}

/** The Invoice API asks the Product API for the names, on behalf of whoever is signed in here. */
export async function listItems(id: string): Promise<Outcome<readonly Item[]>> {
  const path = `/invoices/${encodeURIComponent(id)}/items`;
  return readList<Item>(await callApi('invoices', { path }), { product: 'string', quantity: 'number' });
}

export function payInvoice(id: string): Promise<Outcome<unknown>> {
  return callApi('invoices', { method: 'POST', path: `/invoices/${encodeURIComponent(id)}/payment` });
}

export function summarize(invoices: readonly Invoice[]): Summary {
  const paid = invoices.filter((invoice) => invoice.paid);
  const sum = (list: readonly Invoice[]): number => list.reduce((total, each) => total + each.total, 0);
  return { revenue: sum(invoices), received: sum(paid), paid: paid.length };
}
