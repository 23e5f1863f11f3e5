/**
 * Checks that the caller is the client that the token is bound to. RFC 8705 section 3, RFC 9449 section 7.
 *
 * | token's `cnf`  | presented as       | result                                                  |
 * | -------------- | ------------------ | ------------------------------------------------------- |
 * | none           | Bearer             | pass, unless the route or the options require a binding |
 * | none           | DPoP               | reject: a proof for an unbound token                    |
 * | none           | Bearer, `fapi2`    | reject: the profile accepts bound tokens only           |
 * | `jkt`          | Bearer             | reject: a downgrade, also if DPoP is off                |
 * | `jkt`          | DPoP + proof       | verify the proof, compare the thumbprint                |
 * | `x5t#S256`     | with a certificate | compare; reject on mismatch                             |
 * | `x5t#S256`     | without one        | reject: the binding applies also without mTLS           |
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
  /** Called only if the token or the route requires a certificate. */
  readonly certificate: () => ClientCertificate | undefined | Promise<ClientCertificate | undefined>;
  /** Whether the route or the options require a certificate-bound token. */
  readonly certificateAsked: boolean;
  /** Whether the calling code compares the certificate itself, by its explicit choice. @default false */
  readonly ignoresCertificate?: boolean;
  /** Whether the route or the options require a DPoP-bound token. */
  readonly dpopAsked: boolean;
  /** Whether the options require a token that is bound to a key or to a certificate. */
  readonly bindingAsked: boolean;
  /** Verifies the request's proof against the token's thumbprint, and marks it as used. */
  readonly verifyProof: (jkt: string) => Promise<void>;
}

/** Throws unless the caller is the client that the token is bound to. Returns a promise only if it has to wait. */
export function enforceSenderConstraint(
  { cnf }: AccessTokenClaims,
  presentation: Presentation,
): void | Promise<void> {
  if (presentation.bindingAsked && cnf?.jkt === undefined && cnf?.['x5t#S256'] === undefined)
    throw invalidToken('binding', 'the token is not sender-constrained, as profile fapi2 requires');
  const jkt = checkKey(cnf?.jkt, presentation);
  const compared = compareCertificate(cnf?.['x5t#S256'], presentation);
  if (jkt === undefined) return compared;
  // The proof is verified last, so that a request that is rejected for another reason here does not use it up.
  return Promise.resolve(compared).then(() => presentation.verifyProof(jkt));
}

/** Returns the thumbprint that a proof must match; `undefined` if no proof is required. */
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
