/** The end of a call, for a listener and for what takes an `AbortSignal`. */
import { Cancellation } from '../../../lib/timing/cancellation.js';

const REASON = new Error('too late');

describe('a cancellation', () => {
  it('calls its listener once, with the first reason', () => {
    const reasons: Error[] = [];
    const cancellation = new Cancellation();
    cancellation.onCancel((reason) => reasons.push(reason));
    expect([reasons, cancellation.reason]).toEqual([[], undefined]);
    cancellation.cancel(REASON);
    cancellation.cancel(new Error('once more'));
    expect(reasons).toEqual([REASON]);
    expect(cancellation.reason).toBe(REASON);
  });

  it('calls a listener that comes later, at once', () => {
    const cancellation = new Cancellation();
    cancellation.cancel(REASON);
    const reasons: Error[] = [];
    cancellation.onCancel((reason) => reasons.push(reason));
    expect(reasons).toEqual([REASON]);
  });

  it.each([
    ['before', true],
    ['after', false],
  ])('aborts its signal, which is read %s it', (_, isEarly) => {
    const cancellation = new Cancellation();
    if (!isEarly) cancellation.cancel(REASON);
    const { signal } = cancellation;
    expect(signal.aborted).toBe(!isEarly);
    cancellation.cancel(REASON);
    expect([signal.aborted, signal.reason]).toEqual([true, REASON]);
    expect(cancellation.signal).toBe(signal);
  });
});
