'use client';
/** Marks an invoice as paid, or shows what it takes: the API requires a recent sign-in with a code (RFC 9470). */
import { useActionState } from 'react';
import { pay } from '../app/invoices/actions';
import { Icon } from './icons';
import { RefusalCard } from './refusal-card';

interface Props {
  readonly id: string;
  readonly paid: boolean;
  /** Of the page that it stands on. */
  readonly path: string;
}

export function Payment({ id, paid, path }: Props) {
  const [attempt, action, isPaying] = useActionState(pay, undefined);
  return (
    <section className="payment" aria-label="Payment">
      {paid ? (
        <p className="result" role="status">
          <Icon name="check" />
          Paid
        </p>
      ) : (
        <form action={action}>
          <input type="hidden" name="id" value={id} />
          <button className="button" aria-disabled={isPaying}>
            {isPaying ? 'Paying …' : 'Mark as paid'}
          </button>
        </form>
      )}
      {attempt && 'refusal' in attempt && (
        <RefusalCard refusal={attempt.refusal} reason={attempt.reason} subject="Invoice API" path={path} />
      )}
    </section>
  );
}
