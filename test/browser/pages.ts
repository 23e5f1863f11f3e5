/** MonoShop in a real browser, run by monoshop.e2e-spec.ts: who sees what, who may do what, and on which screens. */
import { admin, clerk } from '../../sample/monoshop/idp/users.js';
import { Album } from './support/album.js';
import type { ShopFloor } from './support/describe-shop.js';

export function testPages(floor: ShopFloor): void {
  it('shows the clerk both APIs on one page, and no administration', async () => {
    const { enter, visitor } = floor;
    await enter(clerk);
    await visitor.sees('Hello, Carla.');
    const figures = await visitor.page.locator('.figure').allInnerTexts();
    expect(figures.map((figure) => figure.split('\n').filter(Boolean))).toEqual([
      ['Products', '3', 'in the catalogue'],
      ['Invoices', '2', 'written so far'],
      ['Revenue', '€454.00', '€114.00 received'],
      ['Paid invoices', '1 of 2', '€340.00 outstanding'],
    ]);
    await visitor.follow('Products');
    await visitor.sees('Products');
    await visitor.reads('3 in the catalogue.');
    await visitor.follow('Invoices');
    await visitor.reads('€454.00 billed in all.');
    expect(await visitor.page.getByRole('link', { name: 'Admin' }).count()).toBe(0);
  });

  it('refuses the clerk on the admin page', async () => {
    const { enter, visitor } = floor;
    await enter(clerk, '/admin');
    await visitor.sees('Not for this account');
    await visitor.reads('Admin · 403 Forbidden');
    expect((await visitor.page.reload())?.status()).toBe(403);
    expect(await visitor.page.getByLabel('Name').count()).toBe(0);
  });

  it('answers with the status that a page says it has', async () => {
    const { enter, visitor } = floor;
    await enter(admin);
    for (const [path, status] of [
      ['/admin', 200],
      ['/nowhere', 404],
    ] as const) {
      expect((await visitor.page.goto(new URL(path, visitor.page.url()).href))?.status()).toBe(status);
    }
    await visitor.reads('404 Not Found');
  });

  it('lets the admin create a product and delete it', async () => {
    const { enter, visitor } = floor;
    await enter(admin);
    await visitor.follow('Admin');
    await visitor.page.getByLabel('Name').fill('Sugar <b>bowl</b>');
    await visitor.page.getByLabel('Price in euros').fill('8.5');
    await visitor.press('Add product');
    await visitor.reads('Sugar <b>bowl</b> is in the catalogue.');

    await visitor.follow('Products');
    await visitor.reads('4 in the catalogue.');
    expect(await visitor.products()).toContain('Sugar <b>bowl</b>');

    await visitor.follow('Admin');
    await visitor.press('Delete Sugar <b>bowl</b>');
    await visitor.press('Keep it');
    expect(await visitor.products()).toContain('Sugar <b>bowl</b>');
    // By keyboard.
    await visitor.page.getByRole('button', { name: 'Delete Sugar <b>bowl</b>' }).press('Enter');
    await visitor.page.getByRole('button', { name: 'Keep it' }).press('Tab');
    await visitor.page.keyboard.press('Enter');
    await visitor.reads('Sugar <b>bowl</b> is no longer in the catalogue.');
    expect(await visitor.products()).toEqual(['Espresso cup', 'Teapot', 'French press']);
  });

  it('says what the API has against a product', async () => {
    const { enter, visitor } = floor;
    await enter(admin, '/admin');
    await visitor.page.getByLabel('Name').fill('Nothing');
    await visitor.page.evaluate('document.querySelector("[name=price]").removeAttribute("min")');
    await visitor.page.getByLabel('Price in euros').fill('-1');
    await visitor.press('Add product');
    await visitor.reads('price must be a number, 0 or more');
  });

  it('refuses the actions of the admin page to a clerk who calls them without the page', async () => {
    const { arrive, enter, shop, visitor } = floor;
    await enter(admin, '/admin');
    const sent = visitor.page.waitForRequest((request) => request.method() === 'POST');
    await visitor.page.getByLabel('Name').fill('Saucer');
    await visitor.page.getByLabel('Price in euros').fill('3');
    await visitor.press('Add product');
    const call = await sent;
    await visitor.reads('Saucer is in the catalogue.');
    const { cookie: _, ...headers } = await call.allHeaders();

    const rogue = await arrive();
    await rogue.visit('/');
    await rogue.signIn(clerk);
    const answer = await rogue.page.request.post(`${shop.web.origin}/admin`, {
      headers,
      data: call.postDataBuffer() ?? '',
    });
    expect(await answer.text()).toContain('"refusal":"forbidden"');
    await rogue.follow('Products');
    await rogue.reads('4 in the catalogue.');
    await rogue.leave();

    await visitor.press('Delete Saucer');
    await visitor.press('Delete');
    await visitor.reads('Saucer is no longer in the catalogue.');
  });

  it('fits a phone, and can be walked through by keyboard', async () => {
    const { visitor } = floor;
    await visitor.page.setViewportSize({ width: 360, height: 740 });
    await visitor.visit('/');
    expect(await visitor.overflow()).toBeLessThanOrEqual(0);
    await visitor.signIn(admin);
    for (const path of ['/', '/products', '/invoices', '/invoices/2025-002', '/admin']) {
      await visitor.visit(path);
      expect([path, await visitor.overflow()]).toEqual([path, 0]);
    }
    await visitor.page.keyboard.press('Tab');
    await visitor.page.keyboard.press('Enter');
    expect(visitor.page.url()).toContain('#main');
    for (const name of ['Main', 'New product', 'Catalogue']) {
      expect(await visitor.page.getByRole(name === 'Main' ? 'navigation' : 'region', { name }).count()).toBe(
        1,
      );
    }
  });

  it('asks no other machine for anything, and runs no script that is not its own', async () => {
    const { enter, shop, visitor } = floor;
    const asked = new Set<string>();
    visitor.page.on('request', (request) => asked.add(new URL(request.url()).origin));
    await enter(admin);
    await visitor.follow('Admin');
    expect([...asked].toSorted()).toEqual([shop.idp.origin, shop.web.origin].toSorted());

    await visitor.page.evaluate(`new Promise((failed) => {
      document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.stranger = true">');
      document.body.lastChild.addEventListener('error', failed);
    })`);
    expect(await visitor.page.evaluate('window.stranger')).toBeUndefined();
  });

  it('is pictured, in light, in dark and on a phone', async () => {
    const { arrive, shop } = floor;
    const album = new Album('sample/monoshop/screenshots');
    const light = await arrive();
    const { page } = light;
    await light.visit('/');
    await album.add(page, 'invitation');
    await light.follow('Sign in');
    await light.page.getByLabel('Password').waitFor();
    await album.add(page, 'sign-in');
    await light.visit('/');
    await light.signIn(admin);
    await light.sees('Hello, Ada.');
    await page.getByText('Behind this page').click();
    await album.add(page, 'dashboard');
    await light.visit('/products');
    await album.add(page, 'products');
    await light.visit('/admin');
    await light.press('Delete Teapot');
    await album.add(page, 'admin');

    const dark = await arrive({ colorScheme: 'dark' });
    await dark.visit('/');
    await dark.signIn(clerk);
    await dark.sees('Hello, Carla.');
    await shop.stopApi('product-api');
    await dark.visit('/');
    await dark.sees('Not reachable right now');
    await album.add(dark.page, 'api-stopped-dark');
    await shop.restartApi('product-api');

    const phone = await arrive({
      viewport: { width: 390, height: 844 },
    });
    await phone.visit('/');
    await phone.signIn(admin);
    await phone.sees('Hello, Ada.');
    await album.add(phone.page, 'dashboard-phone');
    await phone.visit('/admin');
    await album.add(phone.page, 'admin-phone');
    await Promise.all([light, dark, phone].map((each) => each.leave()));
  });
}
