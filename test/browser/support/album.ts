/** The pictures of the README: `SCREENSHOTS=1 npm test -- browser -t pictured` makes them anew, other runs only look that they can. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

export class Album {
  constructor(private readonly folder: string) {}

  async add(page: Page, name: string): Promise<void> {
    const picture = await page.screenshot({ fullPage: true, animations: 'disabled', caret: 'hide' });
    if (!process.env['SCREENSHOTS']) return;
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, `${name}.png`), picture);
  }
}
