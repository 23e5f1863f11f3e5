/** What does the shop sell? The Product API knows. */
import 'server-only';
import { callApi, type Outcome } from './call-api';
import { readList } from './read-list';

export interface Product {
  readonly id: number;
  readonly name: string;
  readonly price: number;
}

const shape = { id: 'number', name: 'string', price: 'number' } as const;

export async function listProducts(): Promise<Outcome<readonly Product[]>> {
  return readList<Product>(await callApi('products', { path: '/products' }), shape);
}

export function createProduct(name: string, price: number): Promise<Outcome<unknown>> {
  return callApi('products', { method: 'POST', path: '/products', body: { name, price } });
}

export function deleteProduct(id: number): Promise<Outcome<unknown>> {
  return callApi('products', { method: 'DELETE', path: `/products/${id}` });
}
