/** The documentation site: the guides as they stand, and a reference made from the docstrings of every entry point. */
import { existsSync, readFileSync } from 'node:fs';

const { exports: entries } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** `./dist/testing/index.js` is made from `lib/testing/index.ts`. */
const entryPoints = Object.values(entries)
  .filter((entry) => typeof entry === 'object')
  .map((entry) => (entry.import ?? entry).default.replace(/^\.\/dist\/(.*)\.js$/, './lib/$1.ts'));

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'nestjs-resource-server',
  entryPoints,
  tsconfig: 'tsconfig.build.json',
  out: 'site',
  readme: 'README.md',
  projectDocuments: [
    'docs/*.md',
    'docs/migration/*.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
  ].filter((pattern) => existsSync(new URL(pattern.replace(/\*.*$/, ''), import.meta.url))),
  includeVersion: true,
  hideGenerator: true,
  excludePrivate: true,
  excludeInternal: true,
  // No address of a repository is needed to build it.
  disableSources: true,
  sort: ['source-order'],
  categorizeByGroup: false,
  searchInDocuments: true,
  validation: { notExported: false, invalidLink: true, invalidPath: true, notDocumented: false },
  treatValidationWarningsAsErrors: true,
};
