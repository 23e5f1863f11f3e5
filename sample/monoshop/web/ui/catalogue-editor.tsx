'use client';
/** How is the catalogue changed? Two forms, each a Server Action: the browser sends what was typed, the server the token. */
import { useActionState } from 'react';
import { addProduct, removeProduct, type Attempt } from '../app/admin/actions';
import { writePrice } from '../shop/money';
import type { Product } from '../shop/products';
import { Icon, pictureFor } from './icons';
import { RefusalCard } from './refusal-card';

function Result({ attempt }: { readonly attempt: Attempt | undefined }) {
  return (
    <>
      <p className="result" role="status">
        {attempt && 'done' in attempt && (
          <>
            <Icon name="check" />
            {attempt.done}
          </>
        )}
      </p>
      {attempt && 'refusal' in attempt && (
        <RefusalCard refusal={attempt.refusal} reason={attempt.reason} subject="Product API" path="/admin" />
      )}
    </>
  );
}

/** Asked once more before it is gone, by the browser's own means: works by keyboard, and closes with Escape. */
function DeleteButton({ product, action }: { product: Product; action: (form: FormData) => void }) {
  const { id, name } = product;
  return (
    <>
      <button
        type="button"
        className="button quiet danger"
        popoverTarget={`delete-${id}`}
        aria-label={`Delete ${name}`}
      >
        Delete
      </button>
      <div
        id={`delete-${id}`}
        popover="auto"
        role="dialog"
        aria-label={`Delete ${name}?`}
        className="popover"
      >
        <form action={action} onSubmit={({ currentTarget }) => currentTarget.parentElement?.hidePopover()}>
          <input type="hidden" name="id" value={id} />
          <input type="hidden" name="name" value={name} />
          <h3>Delete {name}?</h3>
          <p>It is gone for everybody. There is no way back.</p>
          <div className="choices">
            <button
              type="button"
              className="button quiet"
              popoverTarget={`delete-${id}`}
              popoverTargetAction="hide"
            >
              Keep it
            </button>
            <button className="button danger">Delete</button>
          </div>
        </form>
      </div>
    </>
  );
}

export function CatalogueEditor({ products }: { readonly products: readonly Product[] }) {
  const [added, add, isAdding] = useActionState(addProduct, undefined);
  const [removed, remove] = useActionState(removeProduct, undefined);
  // A form is emptied after every attempt, also after one that was refused.
  const typed = added && 'refusal' in added ? added.typed : undefined;
  return (
    <div className="columns editor">
      <section aria-labelledby="new">
        <h2 id="new">New product</h2>
        <form className="card form" action={add}>
          <label>
            Name
            <input name="name" required maxLength={100} autoComplete="off" defaultValue={typed?.name} />
          </label>
          <label>
            Price in euros
            <input
              name="price"
              type="number"
              inputMode="decimal"
              min="0"
              step="0.01"
              required
              defaultValue={typed?.price}
            />
          </label>
          <button className="button" aria-disabled={isAdding}>
            {isAdding ? 'Adding …' : 'Add product'}
          </button>
        </form>
        <Result attempt={added} />
      </section>
      <section aria-labelledby="catalogue">
        <h2 id="catalogue">Catalogue</h2>
        <Result attempt={removed} />
        <ul className="card rows">
          {products.map((product) => (
            <li key={product.id}>
              <span className={`picture tint-${product.id % 4}`}>
                <Icon name={pictureFor(product.name)} />
              </span>
              <span className="product-name">{product.name}</span>
              <span className="price">{writePrice(product.price)}</span>
              <DeleteButton product={product} action={remove} />
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
