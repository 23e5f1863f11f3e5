/** What happens at MonoShop's doors? Who comes with which token, asks for what, and has to get which answer. */
import { bearer, type Step } from '#support/story/step.js';
import type { StoryTokens } from './tokens.js';

export const PRODUCT_API = 'http://localhost:4001';
export const INVOICE_API = 'http://localhost:4002';

/** The same token with a scope more in it: header and signature are the real ones, of another content. */
export function tamper(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  const forged = JSON.stringify({ ...Object(claims), scope: 'read:products write:products' });
  return [header, Buffer.from(forged).toString('base64url'), signature].join('.');
}

const products = `${PRODUCT_API}/products`;
const invoices = `${INVOICE_API}/invoices`;
const items = `${invoices}/2025-001/items`;
const payment = `${invoices}/2025-002/payment`;
const newProduct = { name: 'Milk jug', price: 12 };

const invalid = /^Bearer error="invalid_token"/;
const insufficient = /^Bearer error="insufficient_scope"/;
const lacksPay = /^Bearer error="insufficient_scope".*scope="read:invoices pay:invoices"/;
const stepUp =
  /^Bearer error="insufficient_user_authentication".*acr_values="urn:monoshop:otp", max_age="300"/;
const lacksWrite = /^Bearer error="insufficient_scope".*scope="write:products"/;

function get(story: string, url: string, token: string, expected: number, says: RegExp): Step {
  return { story, method: 'GET', url, authorization: bearer(token), expected, says };
}

function post(story: string, token: string, expected: number, says: RegExp): Step {
  const authorization = bearer(token);
  return { story, method: 'POST', url: products, authorization, body: newProduct, expected, says };
}

function remove(story: string, token: string, expected: number, says: RegExp): Step {
  const authorization = bearer(token);
  return { story, method: 'DELETE', url: `${products}/3`, authorization, expected, says };
}

function pay(story: string, token: string, expected: number, says: RegExp): Step {
  return { story, method: 'POST', url: payment, authorization: bearer(token), expected, says };
}

/** @param opaque whether the Invoice API's tokens are no JWTs */
export function writeSteps(tokens: StoryTokens, opaque: boolean): Step[] {
  const none = '';
  // Nothing tells it from a real one but the authorization server's word.
  const madeUp = get('a made-up opaque token', invoices, tokens.invoices.toLowerCase(), 401, invalid);
  return [
    get('anyone, at a public route', `${PRODUCT_API}/status`, none, 200, /"up"/),
    get('no token', products, none, 401, /^Bearer$/),
    get('the right token', products, tokens.products, 200, /"Teapot"/),
    get('the right token, at the other API', invoices, tokens.invoices, 200, /"Tea & Co"/),
    get('a token for the Product API', invoices, tokens.products, 401, invalid),
    get('a token for the Invoice API', products, tokens.invoices, 401, invalid),
    ...(opaque ? [madeUp] : []),
    post('a token that may only read', tokens.products, 403, lacksWrite),
    post('a token that may write', tokens.write, 201, /"Milk jug"/),
    get('the clerk: who am I?', `${PRODUCT_API}/me`, tokens.clerk, 200, /"groups":\["staff"\]/),
    remove('the clerk (group staff)', tokens.clerk, 403, insufficient),
    remove('the boss (group admin)', tokens.admin, 204, /^$/),
    get('the clerk: the items of an invoice', items, tokens.clerkInvoices, 200, /"Espresso cup"/),
    get('the same token, at the Product API', products, tokens.clerkInvoices, 401, invalid),
    get('a program, without a user', items, tokens.invoices, 403, /"forbidden"/),
    pay('the clerk may not pay', tokens.clerkInvoices, 403, lacksPay),
    pay('the boss, signed in by password', tokens.adminPays, 401, stepUp),
    pay('the boss, signed in with a code', tokens.adminPaysWithCode, 200, /"paid":true/),
    get('an expired token', products, tokens.expired, 401, invalid),
    post('a token with a forged scope', tamper(tokens.products), 401, invalid),
  ];
}
