/** The chat's page in a real browser: a gateway of ws behind the subprotocols `['bearer', token]`, and the renewal of a token. */
import { jest } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { ann, bob, type User } from '../../sample/chat/idp/users.js';
import { Service } from '../../sample/support/launch/service.js';
import { freePort } from '../support/ports.js';
import { describeWith } from '../support/redis.js';
import { CHROMIUM, openBrowser, Visitor } from './support/browser.js';
import { CompiledSample } from './support/compiled-sample.js';
import { ShopClock } from './support/shop-clock.js';

const TOKEN_TTL_SECONDS = 600;

jest.setTimeout(60_000);

describeWith(CHROMIUM !== undefined, 'install chromium', 'the page of a chat', () => {
  let browser: Browser;
  let sample: CompiledSample;
  let services: readonly Service[] = [];
  let origin: string;
  const clock = new ShopClock();
  const visitors: Visitor[] = [];

  beforeAll(async () => {
    [sample, browser] = await Promise.all([CompiledSample.make('chat', ['api/web']), openBrowser()]);
    const [idpPort, apiPort] = [await freePort(), await freePort()];
    origin = `http://localhost:${apiPort}`;
    services = [
      new Service(sample.url, {
        name: 'idp',
        port: idpPort,
        readyPath: '/.well-known/openid-configuration',
        environment: {
          ...clock.environment,
          CHAT_ORIGIN: origin,
          CHAT_TOKEN_TTL: String(TOKEN_TTL_SECONDS),
        },
      }),
      new Service(sample.url, {
        name: 'api',
        port: apiPort,
        readyPath: '/settings',
        environment: {
          ...clock.environment,
          MONOCLOUD_BACKEND_TENANT_DOMAIN: `http://localhost:${idpPort}`,
          MONOCLOUD_BACKEND_AUDIENCE: 'https://chat.example',
          MONOCLOUD_BACKEND_CLOCK_TOLERANCE: '0',
        },
      }),
    ];
    await Promise.all(services.map((service) => service.waitUntilAnswers()));
  }, 120_000);
  afterEach(async () => {
    for (const visitor of visitors.splice(0)) await visitor.leave();
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(services.map((service) => service.stop()));
    await sample?.remove();
    clock.remove();
  });

  const arrive = async (): Promise<Visitor> => {
    const visitor = await Visitor.arrive(browser, origin);
    visitors.push(visitor);
    return visitor;
  };
  const signIn = async (visitor: Visitor, { id, password }: User): Promise<void> => {
    await visitor.visit('/');
    await visitor.press('Sign in');
    await visitor.page.getByLabel('Name').fill(id);
    await visitor.page.getByLabel('Password').fill(password);
    await visitor.press('Sign in');
    await hasState(visitor, `connected as ${id}`);
  };
  const enter = async (user: User): Promise<Visitor> => {
    const visitor = await arrive();
    await signIn(visitor, user);
    return visitor;
  };
  const hasState = (visitor: Visitor, text: string): Promise<void> =>
    visitor.page.getByRole('status').filter({ hasText: text }).waitFor();
  const say = async ({ page }: Visitor, text: string): Promise<void> => {
    await page.getByLabel('Message').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
  };
  const messages = (page: Page): Promise<string[]> => page.getByRole('listitem').allTextContents();

  it('sends what somebody says to everybody who is connected', async () => {
    const [writer, reader] = [await enter(ann), await enter(bob)];
    await say(writer, 'hello <b>all</b>');
    for (const each of [writer, reader]) await each.reads('ann: hello <b>all</b>');
    expect(await messages(reader.page)).toEqual(['ann: hello <b>all</b>']);
  });

  it('presents the token as a subprotocol, and nowhere in an address', async () => {
    const visitor = await arrive();
    const addresses: string[] = [];
    visitor.page.on('websocket', (socket) => addresses.push(socket.url()));
    const answered = visitor.page.waitForResponse((response) => response.url().endsWith('/token'));
    await signIn(visitor, ann);
    const { access_token: token } = (await (await answered).json()) as { access_token: string };
    expect(token.split('.').length).toBe(3);
    expect(addresses).toEqual([`${origin.replace('http', 'ws')}/chat`]);
    expect((await visitor.hoard()).includes(token)).toBe(false);
    expect(visitor.page.url()).toBe(`${origin}/`);
  });

  it('is refused without a token, and hears nothing', async () => {
    const [writer, stranger] = [await enter(ann), await arrive()];
    await stranger.visit('/');
    await stranger.press('Connect without a token');
    await hasState(stranger, 'closed: 1008 unauthorized');
    await say(writer, 'among us');
    await writer.reads('ann: among us');
    expect(await messages(stranger.page)).toEqual([]);
  });

  it('is refused a message that takes another scope, and stays connected', async () => {
    const [writer, reader] = [await enter(ann), await enter(bob)];
    await say(reader, 'may I?');
    await reader.reads('refused: insufficient_scope');
    await say(writer, 'no');
    await reader.reads('ann: no');
    expect(await messages(writer.page)).toEqual(['ann: no']);
  });

  it('goes on with a renewed token when the first one has expired, and ends with the last', async () => {
    const visitor = await enter(ann);
    clock.advance(TOKEN_TTL_SECONDS - 30);
    await visitor.press('Renew the token');
    await visitor.reads('the token is renewed');
    clock.advance(60);
    await say(visitor, 'still here');
    await visitor.reads('ann: still here');
    clock.advance(TOKEN_TTL_SECONDS);
    await hasState(visitor, 'closed: 1008 token expired');
  });

  it('renews by itself before the token expires', async () => {
    const visitor = await arrive();
    await visitor.page.clock.install();
    await signIn(visitor, bob);
    await visitor.page.clock.fastForward((TOKEN_TTL_SECONDS - 30) * 1000);
    expect(await messages(visitor.page)).toEqual([]);
    await visitor.page.clock.fastForward(20_000);
    await visitor.reads('the token is renewed');
  });
});
