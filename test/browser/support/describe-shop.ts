/** Tests in front of a running MonoShop: a new visitor for each; after all of them, everything that was sent is searched. */
import { jest } from '@jest/globals';
import type { Browser } from 'playwright-core';
import type { User } from '../../../sample/monoshop/idp/users.js';
import { describeWith } from '../../support/redis.js';
import { CHROMIUM, openBrowser, Visitor } from './browser.js';
import { buildWeb, CompiledSample } from './compiled-sample.js';
import { Shop } from './shop.js';

/** The first one installs and builds a Next.js application. */
const PREPARATION = 300_000;
/** Of a browser, on a machine that does other things, too. */
const TEST_TIMEOUT = 60_000;
/** Shorter parts of a token are found by accident. */
const TELLING = 40;

export interface ShopFloor {
  readonly shop: Shop;
  /** Has just come in. */
  readonly visitor: Visitor;
  /** Somebody else, with a browser of their own; has to `leave`. */
  readonly arrive: (options?: object) => Promise<Visitor>;
  /** Signs the visitor in, beginning on this page. */
  readonly enter: (user: User, path?: string) => Promise<void>;
}

/** @param parts by name, in front of the same shop, one after the other: each leaves it as it was */
export function describeShop(name: string, parts: Record<string, (floor: ShopFloor) => void>): void {
  jest.setTimeout(TEST_TIMEOUT);
  describeWith(CHROMIUM !== undefined, 'install chromium', name, () => {
    let browser: Browser;
    let sample: CompiledSample;
    let shop: Shop;
    let visitor: Visitor;

    beforeAll(async () => {
      const web = buildWeb();
      [sample, browser] = await Promise.all([CompiledSample.make(), openBrowser()]);
      shop = await Shop.start(sample, web);
    }, PREPARATION);
    afterAll(async () => {
      await browser.close();
      await sample.remove();
      await shop.stop();
    });
    beforeEach(async () => {
      visitor = await Visitor.arrive(browser, shop.web.origin);
    });
    afterEach(async () => {
      await visitor.leave();
      shop.idp.pass();
    });

    const floor: ShopFloor = {
      get shop() {
        return shop;
      },
      get visitor() {
        return visitor;
      },
      arrive: (options) => Visitor.arrive(browser, shop.web.origin, options),
      enter: async (user, path = '/') => {
        await visitor.visit(path);
        await visitor.signIn(user);
      },
    };

    describe.each(Object.entries(parts))('%s', (_part, tests) => {
      tests(floor);

      it('has sent no token to any browser in all of this', () => {
        // Every visitor gets the same scripts and styles: they are searched once.
        const sent = [...new Set(shop.sentToBrowsers.flatMap(({ headers, body }) => [headers, body]))].join(
          '\n',
        );
        expect(sent.includes('Café Central')).toBe(true);
        expect(shop.tokens.length).toBeGreaterThan(2);
        const secrets = shop.tokens.flatMap((token) => [token, ...token.split('.')]);
        const told = secrets.filter((secret) => secret.length >= TELLING && sent.includes(secret));
        // How many, and not which: a failure is printed.
        expect(told.length).toBe(0);
      });
    });
  });
}
