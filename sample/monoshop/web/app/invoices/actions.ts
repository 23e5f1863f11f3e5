'use server';
/** Pays an invoice. The API decides who may, by the token of the session, and how recently they must have signed in. */
import { revalidatePath } from 'next/cache';
import type { Refusal } from '../../shop/call-api';
import { payInvoice } from '../../shop/invoices';

export type Paid = { readonly done: string } | { readonly refusal: Refusal; readonly reason?: string };

export async function pay(_before: Paid | undefined, form: FormData): Promise<Paid> {
  const id = form.get('id');
  const outcome = await payInvoice(typeof id === 'string' ? id : '');
  if ('refusal' in outcome) return outcome;
  revalidatePath('/', 'layout');
  return { done: 'The invoice is paid.' };
}
