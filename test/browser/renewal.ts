/** MonoShop in a real browser, run by monoshop.e2e-spec.ts: access tokens run out, and nobody notices. */
import { clerk } from '../../sample/monoshop/idp/users.js';
import type { ShopFloor } from './support/describe-shop.js';
import { RENEW_BEFORE_SECONDS, TOKEN_TTL_SECONDS } from './support/shop.js';

export function testRenewal(floor: ShopFloor): void {
  it('renews once, however many pages wait for it', async () => {
    const { enter, shop, visitor } = floor;
    // So little that every use of it is preceded by a renewal.
    shop.idp.rewrite = (path, body) =>
      path === '/token' ? JSON.stringify({ ...JSON.parse(body), expires_in: 20 }) : body;
    await enter(clerk);
    await visitor.sees('Hello, Carla.');
    shop.idp.rewrite = (_path, body) => body;

    const renewals = shop.renewals;
    const arrived = shop.web.started;
    // The first renewal is answered when all the others are there.
    shop.idp.hold = async () => {
      while (shop.web.started < arrived + 6) await new Promise((next) => setImmediate(next));
    };
    const pages = Array.from({ length: 6 }, () => visitor.page.request.get(`${shop.web.origin}/`));
    for (const page of await Promise.all(pages))
      expect((await page.text()).includes('Café Central')).toBe(true);
    shop.idp.hold = async () => undefined;
    expect(shop.renewals - renewals).toBe(2);
  });

  it('ends with a card when the authorization server renews nothing more', async () => {
    const { enter, shop, visitor } = floor;
    shop.idp.rewrite = (path, body) =>
      path === '/token' ? JSON.stringify({ ...JSON.parse(body), expires_in: 20 }) : body;
    await enter(clerk);
    shop.idp.rewrite = (_path, body) => body;
    // Signed out there, by another application.
    await visitor.page.goto(`${shop.idp.origin}/session/end`);
    await visitor.press('Sign out');
    await visitor.sees('Signed out');

    await visitor.visit('/products');
    await visitor.sees('Your session has ended');
    await visitor.visit('/products');
    await visitor.sees('Good coffee needs good books.');
  });

  it('renews an expired token unseen, and does without the authorization server as long as it can', async () => {
    const { enter, shop, visitor } = floor;
    const productTokens = (): readonly string[] =>
      shop.tokenAnswers
        .filter(({ form }) => form.get('resource')?.endsWith('products'))
        .map(({ answer }) => answer.access_token);
    const statusOfLast = (): Promise<number> =>
      shop.ask('product-api', '/products', productTokens().at(-1) ?? '');

    await enter(clerk, '/products');
    const known = productTokens().length;
    expect(await statusOfLast()).toBe(200);
    shop.advanceClock(TOKEN_TTL_SECONDS);
    expect(await statusOfLast()).toBe(401);

    const asked: string[] = [];
    visitor.page.on('request', (request) => asked.push(request.url()));
    await visitor.visit('/products');
    await visitor.reads('3 in the catalogue.');
    expect(asked.filter((url) => url.startsWith(shop.idp.origin))).toEqual([]);
    expect(productTokens().length).toBe(known + 1);

    // Nobody to renew it: its last seconds are used, and then there is a card, and not the end of the session.
    shop.idp.cut = true;
    shop.advanceClock(TOKEN_TTL_SECONDS - RENEW_BEFORE_SECONDS / 2);
    const tried = shop.idp.started;
    await visitor.visit('/products');
    await visitor.reads('3 in the catalogue.');
    expect(shop.idp.started).toBeGreaterThan(tried);
    shop.advanceClock(RENEW_BEFORE_SECONDS);
    expect(await statusOfLast()).toBe(401);
    await visitor.visit('/products');
    await visitor.sees('Not reachable right now');
    shop.idp.cut = false;
    await visitor.follow('Try again');
    await visitor.reads('3 in the catalogue.');
  });
}
