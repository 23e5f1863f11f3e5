/**
 * The test kit, for any test runner: it imports none. [Testing](../../docs/testing.md) shows how to use it.
 *
 * @module nestjs-resource-server/testing
 */
export { TestIssuer, type TestIssuerOptions, type TestOptions } from './test-issuer.js';
export type { TokenOptions, Bindable } from './mint.js';
export type { HostileTokens } from './hostile-tokens.js';
export type { TokenEndpointOptions } from './server/token-endpoint.js';
export type { RecordedRequest } from './server/issuer-server.js';
export type { TestAlgorithm } from './signing-key.js';
export type { TestCertificate } from './test-certificate.js';
export type { ProofOptions, TestDPoPKey } from './test-dpop-key.js';

export {
  mockClaims,
  type MockClaimsOptions,
  type MockedClaims,
  type MockedGuard,
  type OverridableModule,
} from './mock-claims.js';

export { attackSuite, type Attack } from './attack-suite.js';
export type { AttackedMessage } from './message-attacks.js';
export type { AttackedRoute } from './attack-context.js';
export type { AttackTarget, ListeningApplication } from './attack-target.js';
