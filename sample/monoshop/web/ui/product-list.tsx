/** What is for sale? */
import { writePrice } from '../shop/money';
import type { Product } from '../shop/products';
import { Icon, pictureFor } from './icons';

interface Props {
  readonly products: readonly Product[];
  readonly compact?: boolean;
}

export function ProductList({ products, compact = false }: Props) {
  if (products.length === 0) return <p className="card empty">The catalogue is empty.</p>;
  return (
    <ul className={compact ? 'products compact' : 'products'}>
      {products.map(({ id, name, price }) => (
        <li className="card product" key={id}>
          <span className={`picture tint-${id % 4}`}>
            <Icon name={pictureFor(name)} />
          </span>
          <span className="product-name">{name}</span>
          <span className="price">{writePrice(price)}</span>
        </li>
      ))}
    </ul>
  );
}
