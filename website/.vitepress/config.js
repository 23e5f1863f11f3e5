/** The look and the navigation of the documentation site. website/build.js prepares its pages. */
import { readFileSync } from 'node:fs';

const readJson = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const { version, description, homepage } = readJson('../../package.json');
const repository = homepage.replace(/#.*$/, '');

/** As GitHub makes anchors of headings, so that one link works in both places. */
const slugify = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

export default {
  title: 'nestjs-resource-server',
  description,
  lang: 'en',
  srcDir: 'pages',
  outDir: '../site',
  base: process.env.DOCS_BASE ?? '/',
  cleanUrls: false,
  ignoreDeadLinks: 'localhostLinks',
  markdown: { anchor: { slugify }, theme: { light: 'github-light', dark: 'github-dark' } },
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${process.env.DOCS_BASE ?? '/'}logo.svg` }]],
  themeConfig: {
    logo: '/logo.svg',
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Documentation', link: '/overview', activeMatch: '^/(?!reference/|options|changelog)' },
      { text: 'Options', link: '/options' },
      { text: 'API', link: '/reference/', activeMatch: '^/reference/' },
      { text: `v${version}`, link: '/changelog' },
    ],
    sidebar: {
      '/reference/': [
        {
          text: 'API reference',
          link: '/reference/',
          items: readJson('../pages/reference/typedoc-sidebar.json'),
        },
      ],
      '/': readJson('sidebar.json'),
    },
    socialLinks: [{ icon: 'github', link: repository }],
    footer: { message: 'Released under the MIT License.' },
  },
};
