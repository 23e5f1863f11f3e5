/** Who may see invoices? A token for this API with `read:invoices`; one for the Product API is a stranger's here. */
import { Controller, Get, HttpCode, NotFoundException, Param, Post, Req } from '@nestjs/common';
import { Scopes, StepUp } from 'nestjs-resource-server';
import { listInvoices, listItems, payInvoice, type Invoice } from './data.js';
import { ProductNames } from './product-names.js';

/** How the authorization server calls a sign-in with a password and a code. */
const WITH_CODE = 'urn:monoshop:otp';

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

  /** Requires a sign-in with a code, within the last five minutes. */
  @Post(':id/payment')
  @Scopes('pay:invoices')
  @StepUp({ acrValues: [WITH_CODE], maxAge: 300 })
  @HttpCode(200)
  pay(@Param('id') id: string): Invoice {
    const invoice = payInvoice(id);
    if (!invoice) throw new NotFoundException();
    return invoice;
  }
}
