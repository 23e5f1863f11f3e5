/** What is a product called? The Product API knows. It is asked on behalf of the caller, never with the caller's token. */
import { BadGatewayException, Injectable } from '@nestjs/common';
import { OnBehalfOf } from 'nestjs-resource-server';

/** How the authorization server calls the Product API, and where it is. */
const PRODUCTS = 'http://api.monoshop.com/products';
const ADDRESS = process.env.MONOSHOP_PRODUCT_API ?? 'http://localhost:4001';

@Injectable()
export class ProductNames {
  constructor(private readonly onBehalfOf: OnBehalfOf) {}

  /** @param request of the caller, who must be allowed to read products, too */
  async find(request: object): Promise<ReadonlyMap<number, string>> {
    const fetch = this.onBehalfOf.fetch(request, { resource: PRODUCTS, scope: 'read:products' });
    const response = await fetch(`${ADDRESS}/products`);
    if (!response.ok) throw new BadGatewayException();
    const products = (await response.json()) as { id: number; name: string }[];
    return new Map(products.map(({ id, name }) => [id, name]));
  }
}
