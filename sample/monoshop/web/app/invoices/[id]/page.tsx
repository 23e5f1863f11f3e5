/** GET /invoices and /invoices/:id/items at the Invoice API. Paying takes the scope `pay:invoices` and a recent sign-in with a code. */
import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { findSession } from '../../../auth/cookies';
import { listInvoices, listItems } from '../../../shop/invoices';
import { writePrice } from '../../../shop/money';
import { tryAtProductApi } from '../../../shop/try-elsewhere';
import { Invitation } from '../../../ui/invitation';
import { Payment } from '../../../ui/payment';
import { RefusalCard } from '../../../ui/refusal-card';

export const metadata: Metadata = { title: 'Invoice' };

interface Props {
  readonly params: Promise<{ readonly id: string }>;
}

export default async function InvoicePage({ params }: Props) {
  const { id } = await params;
  const path = `/invoices/${encodeURIComponent(id)}`;
  const session = await findSession();
  if (!session) return <Invitation path={path} />;
  const [invoices, items] = await Promise.all([listInvoices(), listItems(id)]);
  if (!('data' in invoices)) return <RefusalCard {...invoices} subject="Invoice API" path={path} />;
  const invoice = invoices.data.find((each) => each.id === id);
  if (!invoice) notFound();
  const status = await tryAtProductApi(session);
  return (
    <>
      <div className="heading">
        <h1>Invoice {invoice.id}</h1>
        <p className="lead">
          {invoice.customer}, {writePrice(invoice.total)}
        </p>
      </div>
      {'data' in items ? (
        <ul className="card rows plain" aria-label="Items">
          {items.data.map(({ product, quantity }) => (
            <li key={product}>
              <span className="product-name">{product}</span>
              <span className="price">{quantity} ×</span>
            </li>
          ))}
        </ul>
      ) : (
        <RefusalCard {...items} subject="Invoice API" path={path} />
      )}
      <Payment id={invoice.id} paid={invoice.paid} path={path} />
      <details className="behind">
        <summary>Behind this page</summary>
        <p>
          The names of the products come from the Product API. The Invoice API asked for them on your behalf,
          with a token that it got in exchange for yours. Yours is for the Invoice API only.
        </p>
        <dl>
          <div>
            <dt>Your token</dt>
            <dd>
              <span>
                at the Product API: <code>{status ?? 'no response'}</code>
              </span>
            </dd>
          </div>
          <div>
            <dt>The exchanged token</dt>
            <dd>
              <span>
                at the Product API: <code>{'data' in items ? 200 : 'not available'}</code>
              </span>
            </dd>
          </div>
        </dl>
      </details>
    </>
  );
}
