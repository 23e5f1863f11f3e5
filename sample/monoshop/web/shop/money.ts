/** How is a price written? */
const euros = new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' });

export function writePrice(amount: number): string {
  return euros.format(amount);
}
