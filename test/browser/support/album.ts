/** The pictures of the README: `SCREENSHOTS=1 npm test -- browser -t pictured` makes them anew. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

export class Album {
  /** Whether this run makes pictures. */
  static readonly wanted = Boolean(process.env['SCREENSHOTS']);

  constructor(private readonly folder: string) {}

  async add(page: Page, name: string): Promise<void> {
    if (!Album.wanted) return;
    const picture = await page.screenshot({ fullPage: true, animations: 'disabled', caret: 'hide' });
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, `${name}.png`), picture);
  }
}
