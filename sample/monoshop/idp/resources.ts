/** Which APIs can a token be for? One resource per API: each has its own audience, and scopes of its own. RFC 8707. */
export const PRODUCTS = 'http://api.monoshop.com/products';
export const INVOICES = 'http://api.monoshop.com/invoices';

/** How people have signed in: the values of `acr`. */
export const BY_PASSWORD = 'urn:monoshop:password';
export const WITH_CODE = 'urn:monoshop:otp';

/** The audiences, and the scopes that exist for each of them. */
export const scopesByResource: ReadonlyMap<string, readonly string[]> = new Map([
  [PRODUCTS, ['read:products', 'write:products']],
  [INVOICES, ['read:invoices', 'pay:invoices']],
]);
