/** Advises what to change if a check fails. */
import {
  AuthError,
  ConfigurationError,
  ProviderError,
  type TokenErrorReason,
} from '../errors/auth.errors.js';
import { DeadlineError } from '../timing/deadline.js';
import type { Sources } from './command.js';
import type { Finding } from './findings.js';
import { variableOf } from './read-settings.js';

/** Returns the text that the log contains. */
export function detailOf(error: AuthError): string {
  return error.detail ?? error.message;
}

/** Returns an error of the configuration or the provider as a finding. Rethrows errors that are not from this package. */
export function findingOf(check: string, error: unknown, sources: Sources): Finding {
  if (!(error instanceof AuthError)) throw error;
  return { status: 'FAIL', check, found: detailOf(error), change: adviseProvider(error, sources) };
}

function adviseProvider(error: AuthError, sources: Sources): string {
  const variable = (option: string): string => variableOf(option, sources);
  const detail = detailOf(error);
  if (error instanceof ProviderError)
    return `compare ${variable('clientId')}, its secret or key, and ${variable('clientAuthMethod')} with the client's settings at the provider`;
  if (error instanceof ConfigurationError) {
    const [, named] = /but its discovery document names ("[^"]+")$/.exec(detail) ?? [];
    if (named) return `if tokens say iss ${named}, set ${variable('issuer')} to it`;
    if (detail.startsWith('issuer: neither'))
      return `copy the issuer from the provider, with its whole path, into ${variable('issuer')}; or set ${variable('jwksUri')}`;
    if (detail.includes('is not https')) return 'configure the provider to serve it by https';
    if (detail.startsWith('introspectionEndpoint')) return `set ${variable('introspectionEndpoint')}`;
    if (detail.startsWith('jwksUri')) return `set ${variable('jwksUri')}`;
    return `check ${variable('issuer')} and the metadata that the provider publishes there`;
  }
  return adviseNetwork(causesOf(error), variable);
}

const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there: check that the provider is running, and the host and port',
  ENOTFOUND:
    'the host cannot be resolved: check its spelling, DNS, and whether it is a name of another network',
  EAI_AGAIN: 'names cannot be resolved now: check DNS and the network',
  CERT_HAS_EXPIRED: "the provider's certificate is out of date",
  ERR_TLS_CERT_ALTNAME_INVALID: "the provider's certificate is for another host name",
};

function adviseNetwork(causes: readonly unknown[], variable: (option: string) => string): string {
  if (causes.some((cause) => cause instanceof DeadlineError))
    return `the provider is slow, or a firewall or proxy drops the call; ${variable('responseTimeout')} sets the timeout`;
  for (const cause of causes) {
    const { code } = cause as { readonly code?: unknown };
    if (typeof code !== 'string') continue;
    if (Object.hasOwn(CODES, code)) return CODES[code] ?? '';
    if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code))
      return `set ${variable('providerCa')} to the authority that signed the provider's certificate`;
  }
  return 'request that address from this machine with curl, and check the provider';
}

function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let each = error; typeof each === 'object' && each !== null && causes.length < 10;) {
    causes.push(each);
    each = (each as { readonly cause?: unknown }).cause;
  }
  return causes;
}

/** Returns the advice for a rejected token. */
export function adviseToken(reason: TokenErrorReason, sources: Sources): string {
  const variable = (option: string): string => variableOf(option, sources);
  const advice: Readonly<Record<TokenErrorReason, string>> = {
    malformed: 'send the complete token, without quotes and line breaks',
    algorithm: `configure the provider to sign with RS256 or ES256; ${variable('signingAlgorithms')} restricts what is accepted`,
    signature: 'the token was changed in transit, or signed by somebody else: get a new one',
    unknown_key:
      'another issuer (tenant, realm, environment) signed it, or its key is withdrawn: get a new one',
    type: 'send the access token, not the ID token',
    issuer: `get the token from the configured issuer; if the token is right, correct ${variable('issuer')}`,
    audience: `the client must request a token for this API; if the token is for this API, correct ${variable('audience')}`,
    expired: `get a new token; if it is new, check the clocks (doctor)`,
    not_yet_valid: 'check the clocks of this machine and of the provider (doctor)',
    claims: 'the provider writes a claim with an invalid value: check its mappers or rules',
    inactive: "revoked or expired; or this API's client may not introspect it at the provider",
    not_introspected: `set ${variable('clientId')} and ${variable('clientSecret')} to have such tokens introspected`,
    revoked: 'the user signed out, or somebody revoked the token: sign in again',
    binding: 'the client must request a token that is bound to it',
    unknown_user: 'add the user to the application, or check loadUser',
    scope: 'the client must request the scope, and the provider must grant it',
    claim: 'the route requires a claim that the token does not have: check @RequireClaims()',
    authentication: 'the user must sign in again, as @StepUp() on the route requires',
    group: `add the user to the group, or check ${variable('groupOptions.groupsClaim')}`,
  };
  return advice[reason];
}
