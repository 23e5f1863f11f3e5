import { declares } from './declarations.js';

/**
 * Requires a DPoP-bound token (`cnf.jkt`) and a proof of possession (RFC 9449), also with `dpop.mode: 'when_present'`. With
 * `dpop.mode: 'off'`, the application does not start ({@link ConfigurationError}).
 *
 * @example
 * ```ts
 * @Post('payouts') @DPoPBound() payout() {}
 * ```
 */
export const DPoPBound = (): ClassDecorator & MethodDecorator => declares({ kind: 'dpop-bound' });
