/** Finds options that contradict each other, and certificates and keys that cannot be read. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { quoteAddress } from '../errors/quote-address.js';
import { checkClientKey, type ClientOptions } from '../issuer/client-authentication.js';
import { isSecureEnough } from '../issuer/provider-address.js';
import type { ProviderClientOptions } from '../issuer/provider-client.js';
import { isObject } from '../jose/strict-json.js';
import type { LogoutOptions } from '../revocation/logout-token.js';
import { readClientSecret } from './secrets.js';
import { DEFAULT_LOGOUT_PATH } from './settings.js';

/**
 * Finds mistakes that concern several options of an issuer. Reads the options before they are validated, so that one error
 * lists all mistakes.
 */
export function contradictions(
  said: Readonly<Record<string, unknown>>,
): (readonly [option: string, problem: string])[] {
  const found: (readonly [string, string])[] = [];
  for (const option of ['issuer', 'jwksUri', 'introspectionEndpoint']) {
    const address = said[option];
    if (typeof address !== 'string' || !URL.canParse(address)) continue;
    if (!isSecureEnough(new URL(address), said['allowInsecureRequests'] === true)) {
      found.push([
        option,
        `${quoteAddress(address)} is not https; allowInsecureRequests accepts it for test networks`,
      ]);
    }
  }
  if (said['clientId'] !== undefined) return [...found, ...clientContradictions(said)];
  const needing = ['clientSecret', 'clientCertificate', 'introspectionEndpoint'].filter(
    (option) => said[option] !== undefined,
  );
  if (String(said['introspectJwtTokens']).toLowerCase() === 'true') needing.push('introspectJwtTokens');
  return [...found, ...needing.map((option) => [option, 'needs clientId'] as const)];
}

/**
 * Finds mistakes in the options for logout tokens and security events, which belong to the module, not to an issuer.
 *
 * @param issuers the issuers that are known at start
 * @param areOpen whether a function returns further issuers at request time
 */
export function receiverContradictions(
  said: Readonly<Record<string, unknown>>,
  issuers: readonly (Pick<ClientOptions, 'clientId'> & Pick<LogoutOptions, 'logoutAudience'>)[],
  areOpen: boolean,
): (readonly [option: string, problem: string])[] {
  const { backChannelLogout, logoutAudience, clientId } = said;
  const events = isObject(said['securityEvents']) ? said['securityEvents'] : {};
  const found: (readonly [string, string])[] = [];
  // Probably an unset environment variable, not the intention to omit the check.
  if ('authorizationHeader' in events && events['authorizationHeader'] === undefined)
    found.push([
      'securityEvents.authorizationHeader',
      'is undefined; omit it if pushes carry no such header',
    ]);
  for (const member of ['issuer', 'jwksUri']) {
    const address = events[member];
    if (typeof address !== 'string' || !URL.canParse(address)) continue;
    if (isSecureEnough(new URL(address), said['allowInsecureRequests'] === true)) continue;
    const problem = `${quoteAddress(address)} is not https; allowInsecureRequests accepts it for test networks`;
    found.push([`securityEvents.${member}`, problem]);
  }
  const isOff = typeof backChannelLogout === 'string' && backChannelLogout.toLowerCase() === 'false';
  if (backChannelLogout === undefined || backChannelLogout === false || isOff) return found;
  const isNamed = [{ clientId, logoutAudience }, ...issuers].some(
    (each) => (each.logoutAudience ?? each.clientId) !== undefined,
  );
  // The issuers that a function returns are not known yet. An issuer without either option accepts no logout tokens.
  if (!isNamed && !areOpen) found.push(['logoutAudience', 'backChannelLogout requires it or clientId']);
  const isPath = typeof backChannelLogout === 'string' && backChannelLogout.startsWith('/');
  const { path = DEFAULT_LOGOUT_PATH } = isObject(backChannelLogout)
    ? backChannelLogout
    : { path: isPath ? backChannelLogout : undefined };
  if (events['path'] === path) found.push(['securityEvents.path', 'is the path of backChannelLogout']);
  return found;
}

function clientContradictions(
  said: Readonly<Record<string, unknown>>,
): (readonly [option: string, problem: string])[] {
  const { clientAuthMethod: method = 'client_secret_post', cache } = said;
  const secret = readClientSecret(said['clientSecret']);
  const isKey = typeof secret === 'object';
  if (method === 'private_key_jwt') {
    return isKey ? [] : [['clientSecret', 'private_key_jwt requires the private key as a JWK, in JSON']];
  }
  if (typeof method === 'string' && method.startsWith('client_secret_')) {
    if (secret === undefined) return [['clientSecret', `${method} requires it`]];
    return isKey ? [['clientSecret', `is a JWK: ${method} requires a string`]] : [];
  }
  const isSealed = ['cacheSecret', 'clientSecret', 'clientCertificateKey'].some(
    (option) => said[option] !== undefined,
  );
  // With the option `fetcher`, the application is responsible for TLS.
  if (said['fetcher'] !== undefined) {
    return cache === undefined || isSealed
      ? []
      : [
          [
            'cacheSecret',
            'cache requires it: without a secret, anybody who can write to the cache could forge tokens',
          ],
        ];
  }
  return ['clientCertificate', 'clientCertificateKey']
    .filter((option) => said[option] === undefined)
    .map((option) => [option, `${String(method)} requires it`]);
}

/** Finds keys and certificates that cannot be used, at start-up instead of with the first token. */
export function unreadable(
  options: Partial<ClientOptions> & Partial<ProviderClientOptions>,
): (readonly [option: string, problem: string])[] {
  const { providerCa, clientCertificate: cert, clientCertificateKey: key, clientSecret } = options;
  const checks: (readonly [string, string, () => unknown])[] = [
    ['providerCa', 'is not a certificate', () => providerCa === undefined || new X509Certificate(providerCa)],
    [
      'clientCertificate',
      'cannot be read, or does not match clientCertificateKey',
      () => cert === undefined || key === undefined || createSecureContext({ cert, key }),
    ],
    [
      'clientSecret',
      'is not a private key as a JWK that can sign',
      () => typeof clientSecret !== 'object' || checkClientKey(clientSecret),
    ],
  ];
  return checks.flatMap(([option, problem, check]) => {
    try {
      check();
      return [];
    } catch {
      // The error is not reported, because its message may quote the key.
      return [[option, problem] as const];
    }
  });
}
