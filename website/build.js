/**
 * Builds the documentation site from the Markdown files of the repository and the docstrings of lib/.
 *
 *     node website/build.js            writes site/
 *     node website/build.js --serve    builds it and serves it on http://localhost:4173
 *
 * The files stay readable on GitHub and on npm: their relative links are rewritten here. A link to a page that does not
 * exist fails the build.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDependencies } from '../tools/install-dependencies.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const website = join(root, 'website');
const pages = join(website, 'pages');
const { homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const repository = homepage.replace(/#.*$/, '');

const listMarkdown = (folder) =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => name.endsWith('.md'))
    .map(({ name }) => posix.join(folder, name));

const listSamples = () =>
  readdirSync(join(root, 'sample')).filter((name) => existsSync(join(root, 'sample', name, 'start.ts')));

/** Each file of the repository that is a page of the site, and the page that it becomes. */
function mapPages() {
  const folders = ['docs/migration', 'docs/deploy'].flatMap((folder) => listMarkdown(folder));
  const guides = listMarkdown('docs').filter((file) => file !== 'docs/README.md');
  return new Map([
    ['README.md', 'about.md'],
    ['docs/README.md', 'overview.md'],
    ...[...guides, ...folders].map((file) => [file, file.slice('docs/'.length)]),
    ['SECURITY.md', 'security.md'],
    ['CHANGELOG.md', 'changelog.md'],
    ['CONTRIBUTING.md', 'contributing.md'],
    ['bench/README.md', 'benchmark.md'],
    ...listSamples().map((name) => [`sample/${name}/README.md`, `samples/${name}.md`]),
    ['sample/monoshop/web/README.md', 'samples/monoshop-web.md'],
  ]);
}

/** Pictures are copied, pages are linked on the site, everything else in the repository. */
function rewriteLink(link, file, page, map) {
  if (/^([a-z]+:|#)/.test(link)) return link;
  const [path, anchor] = link.split('#');
  const target = posix.join(posix.dirname(file), path).replace(/\/$/, '');
  const hash = anchor === undefined ? '' : `#${anchor}`;
  const linked = map.get(target);
  if (linked) return posix.relative(posix.dirname(page), linked).replace(/^(?!\.)/, './') + hash;
  if (/\.(svg|png|jpe?g)$/.test(target)) {
    const copy = join(pages, 'pictures', target);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(root, target), copy);
    return posix.relative(posix.dirname(page), `pictures/${target}`).replace(/^(?!\.)/, './');
  }
  if (!existsSync(join(root, target))) throw new Error(`${file} links ${link}, which does not exist`);
  return `${repository}/blob/main/${target}${hash}`;
}

/** Rewrites the links outside of code blocks. */
function rewriteLinks(text, file, page, map) {
  return text
    .split(/(^```.*?^```$)/gms)
    .map((part) =>
      part.startsWith('```')
        ? part
        : part.replaceAll(/\]\(([^)\s]+)\)/g, (_, link) => `](${rewriteLink(link, file, page, map)})`),
    )
    .join('');
}

function writePages(map) {
  for (const [file, page] of map) {
    const target = join(pages, page);
    mkdirSync(dirname(target), { recursive: true });
    const text = readFileSync(join(root, file), 'utf8');
    // A block that names the file it quotes: the name is for a test.
    const withoutFiles = text.replaceAll(/^```(\w+) \S+$/gm, '```$1');
    writeFileSync(target, rewriteLinks(withoutFiles, file, page, map));
  }
  cpSync(join(website, 'home'), pages, { recursive: true });
}

/** The sidebar follows docs/README.md: a group for each heading, an entry for each link. */
function writeSidebar(map) {
  const index = rewriteLinks(
    readFileSync(join(root, 'docs/README.md'), 'utf8'),
    'docs/README.md',
    'overview.md',
    map,
  );
  const groups = index
    .split(/^## /m)
    .slice(1)
    .map((section) => ({
      text: section.slice(0, section.indexOf('\n')),
      items: [...section.matchAll(/\[([^\]]+)\]\(\.\/([^)#]+)\.md\)/g)].map(([, text, link]) => ({
        text,
        link: `/${link}`,
      })),
    }));
  writeFileSync(join(website, '.vitepress', 'sidebar.json'), JSON.stringify(groups));
}

/** TypeDoc copies the guides that docstrings link: they are pages of the site already. */
function relinkReference() {
  const reference = join(pages, 'reference');
  for (const entry of readdirSync(reference, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.md')) continue;
    const file = join(entry.parentPath, entry.name);
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll(/\]\([^)]*_media\/([\w-]+\.md(?:#[\w-]+)?)\)/g, '](/$1)'));
  }
  rmSync(join(reference, '_media'), { recursive: true, force: true });
}

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [join(website, 'node_modules', script), ...args], {
    cwd: website,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

installDependencies(website);
rmSync(pages, { recursive: true, force: true });
const map = mapPages();
writePages(map);
writeSidebar(map);
run('typedoc/bin/typedoc', '--logLevel', 'Warn');
relinkReference();
run('vitepress/bin/vitepress.js', 'build');
if (process.argv.includes('--serve')) run('vitepress/bin/vitepress.js', 'preview');
