/** Relative links of the documentation lead to a file that exists, and to a heading that it has. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FOLDERS = ['.', '.github', 'bench', 'docs', 'sample', 'test'];
const SKIPPED = new Set(['node_modules', 'dist', 'site', '.next', '.git']);

function findPages(folder: string, deep: boolean): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return deep && !SKIPPED.has(entry.name) ? findPages(path, true) : [];
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

const withoutCode = (text: string): string => text.replaceAll(/^```.*?^```$/gms, '');

/** As GitHub makes anchors of headings; the site is configured to make the same. */
function readAnchors(page: string): Set<string> {
  const headings = withoutCode(readFileSync(page, 'utf8')).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}

function findBrokenLinks(page: string): string[] {
  const text = withoutCode(readFileSync(page, 'utf8')).replaceAll(/`[^`\n]*`/g, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(target)) return true;
    return anchor !== undefined && target.endsWith('.md') && !readAnchors(target).has(anchor);
  });
}

describe('the links of the documentation', () => {
  const pages = FOLDERS.flatMap((folder) => findPages(folder, folder !== '.'));

  it('are found', () =>
    expect(pages).toEqual(expect.arrayContaining(['README.md', join('docs', 'options.md')])));

  it.each(pages)('%s', (page) => expect(findBrokenLinks(page)).toEqual([]));

  it('list every page of docs/ in its index', () => {
    const index = readFileSync('docs/README.md', 'utf8');
    const missing = findPages('docs', true).filter(
      (page) =>
        page !== join('docs', 'README.md') &&
        !index.includes(`(${page.slice('docs/'.length).replaceAll('\\', '/')})`),
    );
    expect(missing).toEqual([]);
  });
});
