import { declares } from './declarations.js';

/**
 * The token must be bound to the client certificate of this request (RFC 8705 section 3): one without
 * `cnf.x5t#S256` is refused here, also where `validateCertificateBinding` is `when_present`.
 */
export const CertBound = (): ClassDecorator & MethodDecorator => declares({ kind: 'certificate-bound' });
