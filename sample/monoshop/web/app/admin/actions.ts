'use server';
/**
 * What can be changed? Anybody can call a Server Action, also without the page around it: whoever may do it is decided by
 * the API, by the token of the session, and not here.
 */
import { revalidatePath } from 'next/cache';
import type { Outcome, Refusal } from '../../shop/call-api';
import { createProduct, deleteProduct } from '../../shop/products';

/** What was typed, to be shown again. */
interface Typed {
  readonly name: string;
  readonly price: string;
}

/** What has become of it. */
export type Attempt =
  { readonly done: string } | { readonly refusal: Refusal; readonly reason?: string; readonly typed?: Typed };

export async function addProduct(_before: Attempt | undefined, form: FormData): Promise<Attempt> {
  const typed = { name: readText(form, 'name').trim(), price: readText(form, 'price') };
  const outcome = await createProduct(typed.name, Number.parseFloat(typed.price));
  return { ...conclude(outcome, `${typed.name} is in the catalogue.`), typed };
}

export async function removeProduct(_before: Attempt | undefined, form: FormData): Promise<Attempt> {
  const id = Number.parseInt(readText(form, 'id'), 10);
  return conclude(await deleteProduct(id), `${readText(form, 'name')} is no longer in the catalogue.`);
}

function conclude(outcome: Outcome<unknown>, done: string): Attempt {
  if ('refusal' in outcome) return outcome;
  revalidatePath('/', 'layout');
  return { done };
}

function readText(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
