/** MonoShop in a real browser, run by monoshop.e2e-spec.ts: what it says when an API does not answer or does not agree, and how it recovers. */
import { admin, clerk } from '../../sample/monoshop/idp/users.js';
import type { ShopFloor } from './support/describe-shop.js';
import type { Shop } from './support/shop.js';

export function testFaults(floor: ShopFloor): void {
  it.each([
    ['stopped', (shop: Shop) => shop.stopApi('product-api')],
    // It answers 503 itself: it cannot get the keys of its issuer.
    [
      'without its issuer',
      (shop: Shop) =>
        shop.restartApi('product-api', { MONOCLOUD_BACKEND_JWKS_URI: 'http://localhost:9/jwks' }),
    ],
  ])(
    'shows the card of an API that is %s beside the data of the other, and recovers',
    async (_how, breakIt) => {
      const { enter, shop, visitor } = floor;
      await enter(admin);
      await visitor.sees('Hello, Ada.');
      await breakIt(shop);
      await visitor.visit('/');
      await visitor.sees('Not reachable right now');
      await visitor.reads('Product API · 503 Service Unavailable');
      await visitor.reads('Café Central');
      await visitor.visit('/admin');
      await visitor.sees('Not reachable right now');

      await shop.restartApi('product-api');
      await visitor.follow('Try again');
      await visitor.press('Delete Teapot');
      await visitor.press('Keep it');
      await visitor.visit('/products');
      await visitor.reads('3 in the catalogue.');
    },
  );

  it('says that nothing was changed while the API was stopped, and keeps what was typed', async () => {
    const { enter, shop, visitor } = floor;
    await enter(admin, '/admin');
    await visitor.page.getByLabel('Name').fill('Tray');
    await visitor.page.getByLabel('Price in euros').fill('20');
    await shop.stopApi('product-api');
    await visitor.press('Add product');
    await visitor.sees('Not reachable right now', 'New product');
    expect(await visitor.page.getByLabel('Name').inputValue()).toBe('Tray');
    await visitor.press('Delete Teapot');
    await visitor.press('Delete');
    await visitor.sees('Not reachable right now', 'Catalogue');

    await shop.restartApi('product-api');
    await visitor.press('Add product');
    await visitor.reads('Tray is in the catalogue.');
    await visitor.press('Delete Tray');
    await visitor.press('Delete');
    await visitor.reads('Tray is no longer in the catalogue.');
  });

  it('shows the card of an API that does not accept the token, and the way to a new one', async () => {
    const { enter, shop, visitor } = floor;
    await enter(clerk);
    await shop.restartApi('invoice-api', {
      MONOCLOUD_BACKEND_AUDIENCE: 'http://api.monoshop.com/elsewhere',
    });
    await visitor.visit('/invoices');
    await visitor.sees('Your sign-in is not accepted');
    await visitor.reads('Invoice API · 401 Unauthorized');
    await shop.restartApi('invoice-api');
    await visitor.follow('Sign in again');
    // The authorization server still knows who it is: nothing is to be typed.
    await visitor.reads('€454.00 billed in all.');
    expect(visitor.page.url()).toBe(`${shop.web.origin}/invoices`);
  });
}
