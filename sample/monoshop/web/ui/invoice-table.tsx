/** Who owes what? */
import Link from 'next/link';
import type { Invoice } from '../shop/invoices';
import { writePrice } from '../shop/money';

export function InvoiceTable({ invoices }: { readonly invoices: readonly Invoice[] }) {
  if (invoices.length === 0) return <p className="card empty">There are no invoices.</p>;
  return (
    <div className="card table">
      <table>
        <caption className="visually-hidden">Invoices</caption>
        <thead>
          <tr>
            <th scope="col">Customer</th>
            <th scope="col">Number</th>
            <th scope="col">Status</th>
            <th scope="col" className="number">
              Total
            </th>
          </tr>
        </thead>
        <tbody>
          {invoices.map(({ id, customer, total, paid }) => (
            <tr key={id}>
              <th scope="row">{customer}</th>
              <td>
                <Link href={`/invoices/${id}`} prefetch={false}>
                  {id}
                </Link>
              </td>
              <td>
                <span className={paid ? 'status paid' : 'status open'}>{paid ? 'Paid' : 'Open'}</span>
              </td>
              <td className="number">{writePrice(total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
