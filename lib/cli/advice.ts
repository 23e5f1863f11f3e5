/** What is there to change, once it is known what is wrong? */
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

/** As the log has it. */
export function detailOf(error: AuthError): string {
  return error.detail ?? error.message;
}

/** A fault of this set-up or of the provider, as a finding. What is no error of ours is thrown on. */
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
    const [, named] = /the discovery document there is that of ("[^"]+")$/.exec(detail) ?? [];
    if (named) return `if tokens say iss ${named}, set ${variable('issuer')} to it`;
    if (detail.startsWith('issuer: neither'))
      return `copy the issuer from the provider, with its whole path, into ${variable('issuer')}; or set ${variable('jwksUri')}`;
    if (detail.includes('is not https')) return 'have the provider serve it by https';
    if (detail.startsWith('introspectionEndpoint')) return `set ${variable('introspectionEndpoint')}`;
    if (detail.startsWith('jwksUri')) return `set ${variable('jwksUri')}`;
    return `look at ${variable('issuer')} and what the provider publishes there`;
  }
  return adviseNetwork(causesOf(error), variable);
}

const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there: is the provider up, are host and port right?',
  ENOTFOUND: 'this machine does not know that host: a typing mistake, DNS, or a name of another network?',
  EAI_AGAIN: 'this machine cannot resolve names now: DNS, or no network?',
  CERT_HAS_EXPIRED: "the provider's certificate is out of date",
  ERR_TLS_CERT_ALTNAME_INVALID: "the provider's certificate is for another host name",
};

function adviseNetwork(causes: readonly unknown[], variable: (option: string) => string): string {
  if (causes.some((cause) => cause instanceof DeadlineError))
    return `the provider is slow, or a firewall or proxy swallows the call; ${variable('responseTimeout')} is how long it may take`;
  for (const cause of causes) {
    const { code } = cause as { readonly code?: unknown };
    if (typeof code !== 'string') continue;
    if (Object.hasOwn(CODES, code)) return CODES[code] ?? '';
    if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code))
      return `set ${variable('providerCa')} to the authority that signed the provider's certificate`;
  }
  return 'ask for that address from this machine with curl, and look at the provider';
}

function causesOf(error: unknown): readonly unknown[] {
  const causes: unknown[] = [];
  for (let each = error; typeof each === 'object' && each !== null && causes.length < 10;) {
    causes.push(each);
    each = (each as { readonly cause?: unknown }).cause;
  }
  return causes;
}

/** For whoever holds a token that is refused. */
export function adviseToken(reason: TokenErrorReason, sources: Sources): string {
  const variable = (option: string): string => variableOf(option, sources);
  const advice: Readonly<Record<TokenErrorReason, string>> = {
    malformed: 'send the token as the provider gave it: all of it, without quotes and line breaks',
    algorithm: `have the provider sign with RS256 or ES256; ${variable('signingAlgorithms')} narrows what is accepted`,
    signature: 'the token was changed on its way, or somebody else signed it: get a new one',
    unknown_key:
      'another issuer (tenant, realm, environment) signed it, or its key is withdrawn: get a new one',
    type: 'send the access token, not the ID token',
    issuer: `get the token from the configured issuer; if the token has the right one, correct ${variable('issuer')}`,
    audience: `have the client ask for this API; if the token does name this API, correct ${variable('audience')}`,
    expired: `get a new token; if it is new, look at the clocks (doctor)`,
    not_yet_valid: 'look at the clocks of this machine and of the provider (doctor)',
    claims: 'the provider writes what no access token may hold: look at its mappers or rules',
    inactive: "revoked or expired; or this API's client may not introspect it at the provider",
    not_introspected: `set ${variable('clientId')} and ${variable('clientSecret')} to have such tokens introspected`,
    revoked: 'the user signed out, or somebody revoked the token: sign in again',
    binding: 'the token must be bound to its client: have the client ask for one that is',
    unknown_user: 'add the user to the application, or look at what loadUser does',
    scope: 'have the client ask for the scope, and the provider grant it',
    claim: 'the route requires a claim that the token does not have: look at @RequireClaims()',
    authentication: 'the user must sign in again, as @StepUp() on the route says',
    group: `add the user to the group, or look at ${variable('groupOptions.groupsClaim')}`,
  };
  return advice[reason];
}
