/** GET /invoices at the Invoice API, with scope `read:invoices`. */
import type { Metadata } from 'next';
import { findSession } from '../../auth/cookies';
import { listInvoices, summarize } from '../../shop/invoices';
import { writePrice } from '../../shop/money';
import { Invitation } from '../../ui/invitation';
import { InvoiceTable } from '../../ui/invoice-table';
import { RefusalCard } from '../../ui/refusal-card';

export const metadata: Metadata = { title: 'Invoices' };

export default async function Invoices() {
  if (!(await findSession())) return <Invitation path="/invoices" />;
  const invoices = await listInvoices();
  return (
    <>
      <div className="heading">
        <h1>Invoices</h1>
        {'data' in invoices && (
          <p className="lead">{writePrice(summarize(invoices.data).revenue)} billed in all.</p>
        )}
      </div>
      {'data' in invoices ? (
        <InvoiceTable invoices={invoices.data} />
      ) : (
        <RefusalCard {...invoices} subject="Invoice API" path="/invoices" />
      )}
    </>
  );
}
