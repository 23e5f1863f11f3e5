/** Who may see invoices? A token for this API with `read:invoices`; one for the Product API is a stranger's here. */
import { Controller, Get } from '@nestjs/common';
import { Scopes } from 'nestjs-resource-server';
import { listInvoices, type Invoice } from './data.js';

@Controller('invoices')
@Scopes('read:invoices')
export class InvoicesController {
  @Get()
  list(): readonly Invoice[] {
    return listInvoices();
  }
}
