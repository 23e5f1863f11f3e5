/** MonoShop in a real browser, run by monoshop.e2e-spec.ts: who pays an invoice, and what an API asks another one for. */
import { admin, clerk } from '../../sample/monoshop/idp/users.js';
import { Album } from './support/album.js';
import type { ShopFloor } from './support/describe-shop.js';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

export function testInvoices(floor: ShopFloor): void {
  afterEach(() => floor.shop.restartApi('invoice-api'));

  it('has a person sign in again, with a code, before an invoice is paid', async () => {
    const { enter, shop, visitor } = floor;
    const album = new Album('sample/monoshop/screenshots');
    await enter(admin, '/invoices');
    await visitor.follow('2025-002');
    await visitor.sees('Invoice 2025-002');
    await visitor.press('Mark as paid');
    await visitor.sees('Please confirm that it is you');
    await album.add(visitor.page, 'step-up');

    const before = shop.idp.exchanges.length;
    await visitor.confirm(admin);
    const asked = shop.idp.exchanges.slice(before).find(({ path }) => path.startsWith('/auth?'));
    const parameters = new URL(asked?.path ?? '', shop.idp.origin).searchParams;
    expect([parameters.get('acr_values'), parameters.get('max_age')]).toEqual(['urn:monoshop:otp', '300']);
    await visitor.sees('Invoice 2025-002');
    await visitor.press('Mark as paid');
    await visitor.page.getByRole('status').filter({ hasText: 'Paid' }).waitFor();
    await visitor.follow('Dashboard');
    await visitor.reads('2 of 2');
  });

  it('takes no wrong code, and no sign-in of more than five minutes ago', async () => {
    const { enter, visitor } = floor;
    await enter(admin, '/invoices/2025-002');
    await visitor.press('Mark as paid');
    await visitor.tryToConfirm(admin, clerk.code);
    await visitor.reads('No such user, password and code.');
    await visitor.visit('/invoices/2025-002');
    await visitor.press('Mark as paid');
    await visitor.sees('Please confirm that it is you');
    await visitor.confirm(admin);
    // A clock tolerance counts, too: none in this shop.
    floor.shop.advanceClock(301);
    await visitor.press('Mark as paid');
    await visitor.sees('Please confirm that it is you');
    await visitor.confirm(admin);
    await visitor.press('Mark as paid');
    await visitor.page.getByRole('status').filter({ hasText: 'Paid' }).waitFor();
  });

  it('has no one pay who may not, however they have signed in', async () => {
    const { enter, visitor } = floor;
    await enter(clerk, '/invoices/2025-002');
    await visitor.press('Mark as paid');
    await visitor.sees('Not for this account');
  });

  it('shows the names of products, for which the Invoice API asks with a token of its own', async () => {
    const { enter, shop, visitor } = floor;
    const before = shop.tokenAnswers.length;
    await enter(clerk, '/invoices/2025-001');
    await visitor.reads('Espresso cup');
    await visitor.page.getByText('Behind this page').click();
    await new Album('sample/monoshop/screenshots').add(visitor.page, 'invoice');
    const behind = visitor.page.locator('details.behind');
    expect(await behind.locator('code').allInnerTexts()).toEqual(['401', '200']);

    const answers = shop.tokenAnswers.slice(before);
    const exchanged = answers.find(({ form }) => form.get('grant_type') === EXCHANGE);
    const own = exchanged?.form.get('subject_token') ?? '';
    expect(exchanged?.form.get('resource')).toBe('http://api.monoshop.com/products');
    expect(answers.map(({ answer }) => answer.access_token).includes(own)).toBe(true);
    expect(await shop.ask('product-api', '/products', own)).toBe(401);
    expect(await shop.ask('product-api', '/products', exchanged?.answer.access_token ?? '')).toBe(200);
    expect(await shop.ask('invoice-api', '/invoices', exchanged?.answer.access_token ?? '')).toBe(401);
  });
}
