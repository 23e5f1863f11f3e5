/** MonoShop in a real browser, run by monoshop.e2e-spec.ts: who gets in, how, and what is left after they have gone. */
import { clerk } from '../../sample/monoshop/idp/users.js';
import type { ShopFloor } from './support/describe-shop.js';

export function testSigningIn(floor: ShopFloor): void {
  it('invites whoever is not signed in, and says nothing else', async () => {
    const { visitor } = floor;
    for (const path of ['/', '/products', '/invoices', '/admin']) {
      await visitor.visit(path);
      await visitor.sees('Good coffee needs good books.');
      expect(await visitor.hoard()).not.toMatch(/Teapot|Café Central/);
    }
  });

  it('asks for one token per API, each for its own audience', async () => {
    const { enter, shop, visitor } = floor;
    const before = shop.tokenAnswers.length;
    await enter(clerk);
    await visitor.sees('Hello, Carla.');
    const asked = shop.tokenAnswers.slice(before);
    expect(asked.map(({ form }) => [form.get('grant_type'), form.get('resource')])).toEqual([
      ['authorization_code', 'http://api.monoshop.com/products'],
      ['refresh_token', 'http://api.monoshop.com/invoices'],
    ]);
    const [products, invoices] = asked.map(({ answer }) => answer.access_token);
    expect(await shop.ask('product-api', '/products', products ?? '')).toBe(200);
    expect(await shop.ask('invoice-api', '/invoices', products ?? '')).toBe(401);
    expect(await shop.ask('product-api', '/products', invoices ?? '')).toBe(401);
    expect(await shop.ask('invoice-api', '/invoices', invoices ?? '')).toBe(200);
  });

  it('returns to where the sign-in began, but never elsewhere', async () => {
    const { enter, shop, visitor } = floor;
    await enter(clerk, '/invoices');
    await visitor.sees('Invoices');
    for (const elsewhere of [
      'https://example.com/',
      '//example.com',
      '/\\example.com',
      'javascript:alert(1)',
    ]) {
      await visitor.visit(`/api/auth/sign-in?returnTo=${encodeURIComponent(elsewhere)}`);
      expect(visitor.page.url()).toBe(`${shop.web.origin}/`);
    }
  });

  it('says so when somebody refuses to let it act for them', async () => {
    const { visitor } = floor;
    await visitor.visit('/');
    await visitor.follow('Sign in');
    await visitor.page.getByLabel('User').fill(clerk.id);
    await visitor.page.getByLabel('Password').fill('wrong');
    await visitor.press('Sign in');
    await visitor.reads('No such user and password.');
    await visitor.page.getByLabel('User').fill(clerk.id);
    await visitor.page.getByLabel('Password').fill(clerk.password);
    await visitor.press('Sign in');
    await visitor.press('Refuse');
    await visitor.reads('You did not allow MonoShop to act for you');
  });

  it('completes no sign-in that another browser has begun, and none twice', async () => {
    const { arrive, enter, shop, visitor } = floor;
    await enter(clerk);
    const callback = shop.web.exchanges.findLast(({ path }) => path.startsWith('/api/auth/callback?'))?.path;
    await visitor.visit(callback ?? '');
    await visitor.sees('Hello, Carla.');
    expect(visitor.page.url()).toContain('problem=expired');

    const stranger = await arrive();
    shop.idp.hold = async (path) => {
      if (path === '/token') throw new Error('not to be asked');
    };
    await visitor.signOut();
    const stopped = visitor.page.waitForRequest(/\/api\/auth\/callback\?/);
    await visitor.page.route('**/api/auth/callback*', (route) => route.abort());
    await visitor.follow('Sign in');
    await visitor.page.getByLabel('User').fill(clerk.id);
    await visitor.page.getByLabel('Password').fill(clerk.password);
    await visitor.press('Sign in');
    await visitor.press('Allow').catch(() => undefined);
    await stranger.page.goto((await stopped).url());
    shop.idp.hold = async () => undefined;
    await stranger.reads('began in another browser');
    await stranger.leave();
  });

  it('keeps nothing but the number of a session, where scripts cannot read it', async () => {
    const { enter, shop, visitor } = floor;
    await enter(clerk);
    await visitor.sees('Hello, Carla.');
    const cookies = (await visitor.context.cookies()).filter(({ path }) => path === '/');
    const ours = cookies.filter(({ name }) => name.startsWith('monoshop'));
    expect(ours).toMatchObject([{ name: 'monoshop_session', httpOnly: true, sameSite: 'Lax' }]);
    const hoard = await visitor.hoard();
    expect(hoard).toContain('Café Central');
    for (const { value } of ours) expect(hoard).not.toContain(value);
    expect(shop.tokens.filter((token) => hoard.includes(token)).length).toBe(0);
  });

  it('has both APIs refuse the tokens of the session, and of no other, a moment after signing out', async () => {
    const { arrive, enter, shop, visitor } = floor;
    const tokensOf = (from: number): string[] =>
      shop.tokenAnswers.slice(from).map(({ answer }) => answer.access_token);
    const ask = async ([products = '', invoices = '']: readonly string[]): Promise<readonly number[]> => [
      await shop.ask('product-api', '/products', products),
      await shop.ask('invoice-api', '/invoices', invoices),
    ];
    // The same person, in two browsers.
    let before = shop.tokenAnswers.length;
    await enter(clerk);
    await visitor.sees('Hello, Carla.');
    const own = tokensOf(before);
    before = shop.tokenAnswers.length;
    const elsewhere = await arrive();
    await elsewhere.visit('/');
    await elsewhere.signIn(clerk);
    await elsewhere.sees('Hello, Carla.');
    const others = tokensOf(before);
    expect([await ask(own), await ask(others)]).toEqual([
      [200, 200],
      [200, 200],
    ]);

    await visitor.signOut();
    while ((await ask(own)).includes(200)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await ask(own)).toEqual([401, 401]);
    expect(await ask(others)).toEqual([200, 200]);
    await elsewhere.visit('/invoices');
    await elsewhere.sees('Invoices');
    await elsewhere.leave();
  });

  it('leaves nothing behind after signing out', async () => {
    const { enter, shop, visitor } = floor;
    await enter(clerk);
    await visitor.sees('Hello, Carla.');
    const [session] = await visitor.context.cookies(shop.web.origin);
    const { access_token = '' } = shop.tokenAnswers.at(-1)?.answer ?? {};
    expect(access_token).not.toBe('');

    await visitor.signOut();
    await visitor.sees('Good coffee needs good books.');
    expect((await visitor.context.cookies(shop.web.origin)).filter(({ path }) => path === '/')).toEqual([]);
    await visitor.page.goBack();
    await visitor.page.goBack();
    await visitor.visit('/');
    await visitor.sees('Good coffee needs good books.');

    // The session itself is gone, not only its cookie; so is the one at the authorization server.
    await visitor.context.addCookies([session].filter((cookie) => cookie !== undefined));
    await visitor.visit('/');
    await visitor.follow('Sign in');
    await visitor.page.getByLabel('Password').waitFor();
  });

  it('signs nobody out by a form of another site', async () => {
    const { enter, shop, visitor } = floor;
    await enter(clerk);
    const answer = await visitor.page.request.post(`${shop.web.origin}/api/auth/sign-out`, {
      headers: { origin: 'https://elsewhere.example' },
    });
    expect(answer.status()).toBe(403);
    await visitor.visit('/');
    await visitor.sees('Hello, Carla.');
  });
}
