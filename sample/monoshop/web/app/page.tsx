/** How is the shop doing? Both APIs on one page; when one of them does not answer, the other still does. */
import Link from 'next/link';
import { findSession } from '../auth/cookies';
import { listInvoices, summarize } from '../shop/invoices';
import { writePrice } from '../shop/money';
import { listProducts } from '../shop/products';
import { BehindThisPage } from '../ui/behind-this-page';
import { Icon, type IconName } from '../ui/icons';
import { Invitation } from '../ui/invitation';
import { InvoiceTable } from '../ui/invoice-table';
import { ProductList } from '../ui/product-list';
import { RefusalCard } from '../ui/refusal-card';

interface Props {
  readonly searchParams: Promise<Record<string, string | string[] | undefined>>;
}

interface Figure {
  readonly icon: IconName;
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

/** What cannot be determined now. */
const UNKNOWN = { value: '–', note: 'not available' };

function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <dl className="figures">
      {figures.map(({ icon, name, value, note }) => (
        <div className="card figure" key={name}>
          <dt>
            <Icon name={icon} />
            {name}
          </dt>
          <dd>
            <strong>{value}</strong>
            <span>{note}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

export default async function Dashboard({ searchParams }: Props) {
  const session = await findSession();
  const { problem } = await searchParams;
  if (!session) return <Invitation path="/" problem={typeof problem === 'string' ? problem : undefined} />;

  const [products, invoices] = await Promise.all([listProducts(), listInvoices()]);
  const billed = 'data' in invoices ? summarize(invoices.data) : undefined;
  const figures: Figure[] = [
    {
      icon: 'cup',
      name: 'Products',
      ...('data' in products ? { value: String(products.data.length), note: 'in the catalogue' } : UNKNOWN),
    },
    {
      icon: 'invoice',
      name: 'Invoices',
      ...('data' in invoices ? { value: String(invoices.data.length), note: 'written so far' } : UNKNOWN),
    },
    {
      icon: 'coins',
      name: 'Revenue',
      ...(billed
        ? { value: writePrice(billed.revenue), note: `${writePrice(billed.received)} received` }
        : UNKNOWN),
    },
    {
      icon: 'check',
      name: 'Paid invoices',
      ...(billed && 'data' in invoices
        ? {
            value: `${billed.paid} of ${invoices.data.length}`,
            note: `${writePrice(billed.revenue - billed.received)} outstanding`,
          }
        : UNKNOWN),
    },
  ];

  return (
    <>
      <div className="heading">
        <h1>Hello, {session.user.name.split(' ')[0]}.</h1>
        <p className="lead">This is how the shop is doing.</p>
      </div>
      <Figures figures={figures} />
      <div className="columns">
        <section aria-labelledby="products">
          <div className="section-title">
            <h2 id="products">Products</h2>
            <Link href="/products" prefetch={false}>
              All products
            </Link>
          </div>
          {'data' in products ? (
            <ProductList products={products.data.slice(-4)} compact />
          ) : (
            <RefusalCard {...products} subject="Product API" path="/" />
          )}
        </section>
        <section aria-labelledby="invoices">
          <div className="section-title">
            <h2 id="invoices">Invoices</h2>
            <Link href="/invoices" prefetch={false}>
              All invoices
            </Link>
          </div>
          {'data' in invoices ? (
            <InvoiceTable invoices={invoices.data.slice(-5)} />
          ) : (
            <RefusalCard {...invoices} subject="Invoice API" path="/" />
          )}
        </section>
      </div>
      <BehindThisPage session={session} />
    </>
  );
}
