/** MonoShop in a real browser, run by monoshop.e2e-spec.ts: axe finds nothing on any page, in light, in dark and on a phone. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { admin, clerk } from '../../sample/monoshop/idp/users.js';
import type { ShopFloor } from './support/describe-shop.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const SCREENS = [
  { name: 'in light', colorScheme: 'light', width: 1200, height: 800 },
  { name: 'in dark', colorScheme: 'dark', width: 1200, height: 800 },
  { name: 'on a phone in dark', colorScheme: 'dark', width: 360, height: 740 },
] as const;

/** Those that axe runs by itself, and the one for what is tapped (WCAG 2.2, 2.5.8). */
const RULES = { rules: { 'target-size': { enabled: true } } };

/** Each violation in one line: the rule, what is wrong, and where. */
async function findViolations(
  page: Page,
  { colorScheme, width, height }: (typeof SCREENS)[number],
): Promise<string[]> {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme });
  // What fades in has its colours when it has; the other colours cancel what was under way.
  await page.evaluate('Promise.allSettled(document.getAnimations().map((each) => each.finished))');
  const { violations, passes } = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(RULES)})`);
  expect(passes.map(({ id }) => id)).toContain('color-contrast');
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any }) => `${id}: ${help}: ${String(target)} ${any[0]?.message ?? ''}`),
  );
}

export function testAccessibility(floor: ShopFloor): void {
  it('has no violations on any page, in light, in dark and on a phone', async () => {
    const { arrive, shop, visitor } = floor;
    const { page } = visitor;
    const found: string[] = [];
    const check = async (place: string, at = page): Promise<void> => {
      await at.evaluate(axe);
      for (const screen of SCREENS)
        for (const violation of await findViolations(at, screen))
          found.push(`${place}, ${screen.name}: ${violation}`);
    };

    await visitor.visit('/');
    await check('the invitation');
    await visitor.visit('/nowhere');
    await visitor.reads('404 Not Found');
    await check('no such page');
    await visitor.visit('/');
    await visitor.follow('Sign in');
    await page.getByLabel('User').fill(admin.id);
    await page.getByLabel('Password').fill('wrong');
    await check('sign-in');
    await visitor.press('Sign in');
    await page.getByRole('alert').waitFor();
    await check('sign-in that failed');
    await page.getByLabel('User').fill(admin.id);
    await page.getByLabel('Password').fill(admin.password);
    await visitor.press('Sign in');
    await page.getByRole('button', { name: 'Allow' }).waitFor();
    await check('consent');
    await visitor.press('Allow');
    await visitor.sees('Hello, Ada.');
    await page.getByText('Behind this page').click();
    await check('dashboard');
    for (const path of ['/products', '/invoices', '/invoices/2025-001', '/admin']) {
      await visitor.visit(path);
      for (const details of await page.locator('details > summary').all()) await details.click();
      await check(path);
    }
    await visitor.press('Delete Teapot');
    await check('/admin, about to delete');
    await visitor.visit('/invoices/2025-002');
    await visitor.press('Mark as paid');
    await visitor.sees('Please confirm that it is you');
    await check('step-up');
    await visitor.follow('Confirm');
    await page.getByLabel('Code').waitFor();
    await check('sign-in with a code');

    await shop.stopApi('product-api');
    await visitor.visit('/');
    await visitor.sees('Not reachable right now');
    await check('an API that does not respond');
    await shop.restartApi('product-api');
    await visitor.press('Sign out');
    await page.getByRole('heading', { name: 'Sign out everywhere?' }).waitFor();
    await check('sign-out');

    const other = await arrive();
    await other.visit('/admin');
    await other.signIn(clerk);
    await other.sees('Not for this account');
    await check('refused', other.page);
    await other.leave();
    expect(found).toEqual([]);
  });
}
