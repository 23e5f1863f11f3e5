/** What the doctor says of the issuer that access tokens must name. */
import { checkMetadata } from '../../../lib/cli/check-metadata.js';
import { settingsOf } from '../../../lib/cli/issuer-settings.js';
import type { Finding } from '../../../lib/cli/findings.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';

const ISSUER = 'https://adfs.example/adfs';
const TRUST = 'http://adfs.example/adfs/services/trust';

const findingOf = (named: unknown, accessTokenIssuer?: string): Finding | undefined => {
  const options = resolveOptions({ issuer: ISSUER, audience: 'a', accessTokenIssuer }, () => undefined);
  const [issuer] = options.issuers;
  if (!issuer) throw new Error('there is one issuer');
  const metadata = { issuer: ISSUER, access_token_issuer: named };
  return checkMetadata(metadata, [], settingsOf(options, issuer), true).find(
    ({ check }) => check === 'issuer',
  );
};

it.each([
  ['the provider names none', undefined, undefined, ISSUER],
  ['it is what the provider names', TRUST, TRUST, TRUST],
  ['the provider names the issuer', ISSUER, undefined, ISSUER],
  ['it is set, and the provider names none', undefined, TRUST, TRUST],
])('ok where %s', (_, named, set, expected) => {
  const found = findingOf(named, set);
  expect(found).toMatchObject({ status: 'ok' });
  expect(found?.found).toContain(`"${expected}": iss must equal this`);
});

it.each([
  ['is not set', TRUST, undefined],
  ['is another one', TRUST, `${TRUST}/`],
])('a warning where the provider names another one than what %s', (_, named, set) => {
  const found = findingOf(named, set);
  expect(found).toMatchObject({
    status: 'warn',
    change: expect.stringContaining('accessTokenIssuer') as string,
  });
  expect(found?.found).toContain(`access_token_issuer of the provider is "${TRUST}"`);
});
