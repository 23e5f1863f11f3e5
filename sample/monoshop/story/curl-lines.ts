/** What can a reader try by hand? Whole commands with live tokens in them, each with the status that it gets. */
import { curlJson, writeCurl } from '#support/story/curl.js';
import { INVOICE_API, PRODUCT_API } from './steps.js';
import type { StoryTokens } from './tokens.js';

export function writeCurlLines(tokens: StoryTokens): string {
  const products = `${PRODUCT_API}/products`;
  const json = curlJson({ name: 'Sugar bowl', price: 8 });
  return [
    writeCurl('no token: 401', products),
    writeCurl('read the products: 200', products, tokens.products),
    writeCurl('the same token at the other API: 401', `${INVOICE_API}/invoices`, tokens.products),
    writeCurl('the token for that API: 200', `${INVOICE_API}/invoices`, tokens.invoices),
    writeCurl('add a product with a token that may only read: 403', `${products} ${json}`, tokens.products),
    writeCurl('add a product with one that may write: 201', `${products} ${json}`, tokens.write),
    writeCurl('remove a product as the clerk: 403', `-X DELETE ${products}/2`, tokens.clerk),
    writeCurl('remove it as the admin: 204', `-X DELETE ${products}/2`, tokens.admin),
    writeCurl('what the API knows about the admin: 200', `${PRODUCT_API}/me`, tokens.admin),
  ].join('\n');
}
