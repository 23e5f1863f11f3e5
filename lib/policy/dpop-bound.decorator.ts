import { declares } from './declarations.js';

/**
 * The token must be DPoP-bound (`cnf.jkt`) and come with a proof of possession (RFC 9449), also where the option
 * `dpop.mode` is `when_present`. Where DPoP is turned off, the application refuses to start.
 */
export const DPoPBound = (): ClassDecorator & MethodDecorator => declares({ kind: 'dpop-bound' });
