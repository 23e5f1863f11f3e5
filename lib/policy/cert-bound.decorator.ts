import { declares } from './declarations.js';

/**
 * Requires a token that is bound to the client certificate of the request (RFC 8705 section 3): a token without `cnf.x5t#S256`, or
 * with that of another certificate, is rejected with 401, also with `validateCertificateBinding: 'when_present'`.
 *
 * The certificate's chain, dates and revocation are not checked.
 *
 * @example
 * ```ts
 * @Post('payouts') @CertBound() payout() {}
 * ```
 */
export const CertBound = (): ClassDecorator & MethodDecorator => declares({ kind: 'certificate-bound' });
