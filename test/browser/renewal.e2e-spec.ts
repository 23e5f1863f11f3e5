/** MonoShop in a real browser: access tokens run out, and nobody notices. */
import { clerk } from '../../sample/monoshop/idp/users.js';
import { describeShop } from './support/describe-shop.js';

describeShop('MonoShop: renewal', (floor) => {
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
});

describeShop(
  'MonoShop: renewal of tokens that live for six seconds',
  (floor) => {
    it('renews an expired token unseen, and does without the authorization server as long as it can', async () => {
      const { shop, visitor } = floor;
      await visitor.visit('/products');
      await visitor.signIn(clerk);
      const [first = ''] = shop.tokens;
      while ((await shop.ask('product-api', '/products', first)) === 200) await visitor.visit('/');

      const asked: string[] = [];
      visitor.page.on('request', (request) => asked.push(request.url()));
      await visitor.visit('/products');
      await visitor.reads('3 in the catalogue.');
      expect(asked.filter((url) => url.startsWith(shop.idp.origin))).toEqual([]);
      expect(shop.renewals).toBeGreaterThan(1);

      // Nothing left that is good, and nobody to renew it: a card, and not the end of the session.
      shop.idp.cut = true;
      const last = shop.tokenAnswers.findLast(({ form }) => form.get('resource')?.endsWith('products'));
      while ((await shop.ask('product-api', '/products', last?.answer.access_token ?? '')) === 200)
        await visitor.visit('/products');
      await visitor.visit('/products');
      await visitor.sees('Not reachable right now');
      shop.idp.cut = false;
      await visitor.follow('Try again');
      await visitor.reads('3 in the catalogue.');
    });
  },
  { tokenTtl: 6, renewBefore: 2 },
);
