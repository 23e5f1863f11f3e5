/** What a page of documentation quotes stands in the file that it names, so that it cannot drift. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PAGES = [
  'sample/monoshop/web/README.md',
  'docs/claims.md',
  'docs/deploy/docker.md',
  'docs/deploy/kubernetes.md',
  'docs/scopes-and-groups.md',
  'docs/tenants.md',
  'docs/migration/from-monocloud-backend-sdk.md',
  'docs/migration/from-nest-keycloak-connect.md',
  'docs/migration/from-passport-jwt.md',
];

interface Quote {
  readonly file: string;
  readonly lines: string;
}

/** Blocks whose first line names a file beside the language. */
function readQuotes(page: string): Quote[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/^```tsx? (\S+)\n(.*?)^```$/gms);
  return [...blocks].map(([, file = '', lines = '']) => ({ file: join(dirname(page), file), lines }));
}

describe.each(PAGES)('%s', (page) => {
  it('quotes', () => expect(readQuotes(page).length).toBeGreaterThan(0));

  it.each(readQuotes(page))('quotes $file as it is', ({ file, lines }) => {
    expect(readFileSync(file, 'utf8')).toContain(lines);
  });
});
