/** GET /products at the Product API, with scope `read:products`. */
import type { Metadata } from 'next';
import { findSession } from '../../auth/cookies';
import { listProducts } from '../../shop/products';
import { Invitation } from '../../ui/invitation';
import { ProductList } from '../../ui/product-list';
import { RefusalCard } from '../../ui/refusal-card';

export const metadata: Metadata = { title: 'Products' };

export default async function Products() {
  if (!(await findSession())) return <Invitation path="/products" />;
  const products = await listProducts();
  return (
    <>
      <div className="heading">
        <h1>Products</h1>
        {'data' in products && <p className="lead">{products.data.length} in the catalogue.</p>}
      </div>
      {'data' in products ? (
        <ProductList products={products.data} />
      ) : (
        <RefusalCard {...products} subject="Product API" path="/products" />
      )}
    </>
  );
}
