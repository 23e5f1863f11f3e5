/** What does the shop sell? In memory: every start begins with the same catalogue. */
export interface NewProduct {
  readonly name: string;
  readonly price: number;
}

export interface Product extends NewProduct {
  readonly id: number;
}

const products: Product[] = [
  { id: 1, name: 'Espresso cup', price: 9.5 },
  { id: 2, name: 'Teapot', price: 34 },
  { id: 3, name: 'French press', price: 27.9 },
];

let lastId = products.length;

export function listProducts(): readonly Product[] {
  return products;
}

export function addProduct({ name, price }: NewProduct): Product {
  lastId += 1;
  const product = { id: lastId, name, price };
  products.push(product);
  return product;
}

/** Whether there was such a product. */
export function removeProduct(id: number): boolean {
  const index = products.findIndex((product) => product.id === id);
  if (index === -1) return false;
  products.splice(index, 1);
  return true;
}
