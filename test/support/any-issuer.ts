/** An issuer that nobody asks anything, for tests of what comes after a token was validated. */
import { TrustedIssuer } from '../../lib/issuer/trusted-issuer.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

const [options] = resolveOptions(
  { issuer: 'https://issuer.example', audience: 'https://api.example.com' },
  () => undefined,
).issuers;
if (!options) throw new Error('there is one issuer');

export const ANY_ISSUER = new TrustedIssuer(options, { debug() {}, warn() {}, error() {} });
