/** A person in front of a real browser: finds things by their role and name, as a screen reader does. */
import { spawnSync } from 'node:child_process';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import type { User } from '../../../sample/monoshop/idp/users.js';

/** Debian's, unless CHROMIUM names another. The one without a window is the same engine, and takes half the time. */
export const CHROMIUM = [
  process.env['CHROMIUM'],
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
]
  .filter((name) => name !== undefined)
  .map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout?.trim())
  .find((path) => path);

const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM ?? '', args: ARGUMENTS });
}

export class Visitor {
  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    private readonly origin: string,
  ) {}

  /** Has never been here before. */
  static async arrive(browser: Browser, origin: string, options: object = {}): Promise<Visitor> {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options });
    context.setDefaultTimeout(15_000);
    return new Visitor(context, await context.newPage(), origin);
  }

  async visit(path: string): Promise<void> {
    await this.page.goto(`${this.origin}${path}`);
  }

  /** Where the authorization server has the user sign in again, with a code. */
  async confirm(user: User): Promise<void> {
    const back = this.page.url();
    await this.tryToConfirm(user, user.code);
    await this.page.waitForURL(back);
  }

  async tryToConfirm({ id, password }: User, code: string): Promise<void> {
    await this.follow('Confirm');
    await this.page.getByLabel('User').fill(id);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByLabel('Code').fill(code);
    await this.press('Sign in');
  }

  /** From the page with the invitation, through the authorization server, back to where it began. */
  async signIn({ id, password }: User): Promise<void> {
    const back = this.page.url();
    await this.page.getByRole('link', { name: 'Sign in', exact: true }).click();
    await this.page.getByLabel('User').fill(id);
    await this.page.getByLabel('Password').fill(password);
    await this.press('Sign in');
    await this.press('Allow');
    await this.page.waitForURL(back);
  }

  async signOut(): Promise<void> {
    await this.press('Sign out');
    await this.page.getByRole('heading', { name: 'Sign out everywhere?' }).waitFor();
    await this.press('Sign out');
    await this.page.waitForURL(`${this.origin}/`);
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  async follow(name: string): Promise<void> {
    await this.page.getByRole('link', { name, exact: true }).click();
  }

  /** @param region the part of the page in which it is; anywhere unless said */
  async sees(heading: string, region?: string): Promise<void> {
    const place = region === undefined ? this.page : this.page.getByRole('region', { name: region });
    await place.getByRole('heading', { name: heading }).first().waitFor();
  }

  /** What the page says, once it says this. */
  async reads(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** The names of the products on this page. */
  products(): Promise<string[]> {
    return this.page.locator('.product-name').allTextContents();
  }

  /** Everything that scripts of a page can get hold of. */
  async hoard(): Promise<string> {
    return this.page.evaluate(
      'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML])',
    );
  }

  /** How many pixels the page is wider than the window. */
  overflow(): Promise<number> {
    return this.page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
