/** An issuer that nobody asks anything, for tests of what comes after a token was validated. */
import { TrustedIssuer } from '../../lib/issuer/trusted-issuer.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';

export const ANY_ISSUER = new TrustedIssuer(
  resolveOptions({ issuer: 'https://issuer.example', audience: 'https://api.example.com' }, () => undefined),
  { debug() {}, warn() {}, error() {} },
);
