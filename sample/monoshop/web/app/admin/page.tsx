/** Who keeps the catalogue? The group `admin`. Others do not see this page, and would get nowhere with its actions. */
import type { Metadata } from 'next';
import { forbidden } from 'next/navigation';
import { findSession } from '../../auth/cookies';
import { listProducts } from '../../shop/products';
import { CatalogueEditor } from '../../ui/catalogue-editor';
import { Invitation } from '../../ui/invitation';
import { RefusalCard } from '../../ui/refusal-card';

export const metadata: Metadata = { title: 'Admin' };

export default async function Admin() {
  const session = await findSession();
  if (!session) return <Invitation path="/admin" />;
  if (!session.user.groups.includes('admin')) forbidden();

  const products = await listProducts();
  return (
    <>
      <div className="heading">
        <h1>Admin</h1>
        <p className="lead">What you change here is changed for everybody, at once.</p>
      </div>
      {'data' in products ? (
        <CatalogueEditor products={products.data} />
      ) : (
        <RefusalCard {...products} subject="Product API" path="/admin" />
      )}
    </>
  );
}
