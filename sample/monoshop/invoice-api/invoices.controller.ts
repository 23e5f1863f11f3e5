/** Who may see invoices? A token for this API with `read:invoices`; one for the Product API is a stranger's here. */
import { Controller, Get, NotFoundException, Param, Req } from '@nestjs/common';
import { Scopes } from 'nestjs-resource-server';
import { listInvoices, listItems, type Invoice } from './data.js';
import { ProductNames } from './product-names.js';

interface NamedItem {
  readonly product: string;
  readonly quantity: number;
}

@Controller('invoices')
@Scopes('read:invoices')
export class InvoicesController {
  constructor(private readonly productNames: ProductNames) {}

  @Get()
  list(): readonly Invoice[] {
    return listInvoices();
  }

  @Get(':id/items')
  async listItems(@Param('id') id: string, @Req() request: object): Promise<readonly NamedItem[]> {
    const items = listItems(id);
    if (!items) throw new NotFoundException();
    const names = await this.productNames.find(request);
    return items.map(({ productId, quantity }) => ({ product: names.get(productId) ?? '?', quantity }));
  }
}
