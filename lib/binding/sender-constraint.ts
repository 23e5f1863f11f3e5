/**
 * Is the caller the one this token was issued to? RFC 8705 section 3, RFC 9449 section 7.
 *
 * | token's `cnf`  | presented as       | result                                                  |
 * | -------------- | ------------------ | ------------------------------------------------------- |
 * | none           | Bearer             | pass, unless the route or the options ask for a binding |
 * | none           | DPoP               | refuse: a proof for an unbound token                    |
 * | none           | Bearer, `fapi2`    | refuse: the profile accepts bound tokens only           |
 * | `jkt`          | Bearer             | refuse: a downgrade, also when DPoP is turned off       |
 * | `jkt`          | DPoP + proof       | verify the proof, compare the thumbprint                |
 * | `x5t#S256`     | with a certificate | compare; refuse on mismatch                             |
 * | `x5t#S256`     | without one        | refuse: "mTLS off" is not "ignore"                      |
 * | both           |                    | both must hold                                          |
 * | other members  |                    | ignored (RFC 7800 section 3.1)                          |
 */
import type { ClientCertificate } from '../credentials/client-certificate.js';
import type { Credentials } from '../credentials/extract-credentials.js';
import { invalidToken } from '../errors/auth.errors.js';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { isBoundTo } from './certificate-binding.js';

export interface BindingOptions {
  /**
   * `required`: every token must be bound to the caller's certificate (RFC 8705). `when_present`: a token
   * that is bound must match; `@CertBound()` requires a bound token per route.
   *
   * @default 'when_present'
   */
  readonly validateCertificateBinding: 'required' | 'when_present';
}

export interface Presentation {
  readonly scheme: Credentials['scheme'];
  /** Asked for only if the token or the route needs it. */
  readonly certificate: () => ClientCertificate | undefined | Promise<ClientCertificate | undefined>;
  /** The route or the options ask for a certificate-bound token. */
  readonly certificateAsked: boolean;
  /** The caller said in so many words that it compares the certificate itself. */
  readonly ignoresCertificate?: boolean;
  /** The route or the options ask for a DPoP-bound token. */
  readonly dpopAsked: boolean;
  /** The options ask for a token that is bound, whichever way. */
  readonly bindingAsked: boolean;
  /** Verifies the proof that came with the token against its thumbprint, and burns it. */
  readonly verifyProof: (jkt: string) => Promise<void>;
}

/** Throws unless the caller is whom the token is bound to. Without a promise where nothing needs to be awaited. */
export function enforceSenderConstraint(
  { cnf }: AccessTokenClaims,
  presentation: Presentation,
): void | Promise<void> {
  if (presentation.bindingAsked && cnf?.jkt === undefined && cnf?.['x5t#S256'] === undefined)
    throw invalidToken('binding', 'the token is not sender-constrained, as profile fapi2 requires');
  const jkt = checkKey(cnf?.jkt, presentation);
  const compared = compareCertificate(cnf?.['x5t#S256'], presentation);
  if (jkt === undefined) return compared;
  // The proof comes last: what is refused for another reason has not used it up.
  return Promise.resolve(compared).then(() => presentation.verifyProof(jkt));
}

/** The thumbprint that a proof must match; `undefined` where none is needed. */
function checkKey(jkt: unknown, { scheme, dpopAsked }: Presentation): string | undefined {
  if (jkt === undefined) {
    if (scheme === 'DPoP')
      throw invalidToken('binding', 'a DPoP proof came with a token that is not DPoP-bound');
    if (dpopAsked) throw invalidToken('binding', 'the token is not DPoP-bound');
    return undefined;
  }
  if (scheme !== 'DPoP') throw invalidToken('binding', 'a DPoP-bound token was sent as Bearer');
  if (typeof jkt !== 'string') throw invalidToken('binding', 'cnf.jkt is not a string');
  return jkt;
}

function compareCertificate(bound: unknown, presentation: Presentation): void | Promise<void> {
  if (presentation.ignoresCertificate === true) return undefined;
  if (bound === undefined && !presentation.certificateAsked) return undefined;
  if (bound === undefined) throw invalidToken('binding', 'the token is not bound to a certificate');
  if (typeof bound !== 'string') throw invalidToken('binding', 'cnf.x5t#S256 is not a string');

  const presented = presentation.certificate();
  if (presented instanceof Promise) return presented.then((resolved) => compare(bound, resolved));
  return compare(bound, presented);
}

function compare(bound: string, certificate: ClientCertificate | undefined): void {
  if (!certificate)
    throw invalidToken('binding', 'the token is bound to a certificate, and none was presented');
  if (!isBoundTo(bound, certificate))
    throw invalidToken('binding', 'the token is bound to another certificate');
}
