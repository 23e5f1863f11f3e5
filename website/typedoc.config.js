/** The API reference as Markdown pages of the site: one folder per entry point of the package, one page per name. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const inRepository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { exports: entries } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8'));

/** `./dist/testing/index.js` is built from `lib/testing/index.ts`. */
const entryPoints = Object.values(entries)
  .filter((entry) => typeof entry === 'object' && entry.import)
  .map((entry) => inRepository(entry.import.default.replace(/^\.\/dist\/(.*)\.js$/, 'lib/$1.ts')));

export default {
  plugin: ['typedoc-plugin-markdown', 'typedoc-vitepress-theme'],
  entryPoints,
  tsconfig: inRepository('tsconfig.build.json'),
  basePath: inRepository('.'),
  out: inRepository('website/pages/reference'),
  docsRoot: inRepository('website/pages'),
  readme: 'none',
  hideGenerator: true,
  excludePrivate: true,
  excludeInternal: true,
  // The build needs no address of a repository.
  disableSources: true,
  sort: ['source-order'],
  validation: { notExported: false, invalidLink: true, invalidPath: true, notDocumented: false },
  treatValidationWarningsAsErrors: true,
  entryFileName: 'index',
  mergeReadme: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  expandObjects: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'list',
  enumMembersFormat: 'table',
};
