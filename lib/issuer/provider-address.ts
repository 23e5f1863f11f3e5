/** Checks that requests to the authorization server go to safe URLs only. */
import { ConfigurationError } from '../errors/auth.errors.js';
import { withoutQuery } from './provider-answer.js';

/** The URLs that the application configures. */
export interface OwnAddresses {
  readonly issuer: string;
  readonly jwksUri?: string | undefined;
  readonly introspectionEndpoint?: string | undefined;
}

/** @throws {ConfigurationError} for a URL, from metadata or from an option, that no request may be sent to */
export function checkAddress(
  address: string,
  options: OwnAddresses & { readonly allowInsecureRequests: boolean },
): void {
  const shown = withoutQuery(address);
  if (!URL.canParse(address)) throw new ConfigurationError(`${shown} is not a URL`);
  const url = new URL(address);
  if (hasCredentials(url))
    throw new ConfigurationError(`${shown} contains a user name or a password: not called`);
  if (!isSecureEnough(url, options.allowInsecureRequests))
    throw new ConfigurationError(`${shown} is not https: its responses can be forged in transit`);
  if (url.protocol === 'http:' && !options.allowInsecureRequests && !isOwnMachine(url, options))
    throw new ConfigurationError(
      `${shown} is a loopback address, but the issuer is not: another program would receive the secret and the token`,
    );
}

/** Metadata of a remote issuer must not direct secrets to a port of this host. The options of the application may. */
function isOwnMachine({ origin }: URL, { issuer, jwksUri, introspectionEndpoint }: OwnAddresses): boolean {
  if (isLoopback(new URL(issuer).hostname)) return true;
  return [jwksUri, introspectionEndpoint].some((own) => own !== undefined && new URL(own).origin === origin);
}

/** Returns whether the URL is `https`, or an `http` URL that is on a loopback host or explicitly allowed. */
export function isSecureEnough(url: URL, allowInsecureRequests: boolean): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && (allowInsecureRequests || isLoopback(url.hostname));
}

/** `fetch` rejects URLs with credentials, and quotes them in its error. */
export function hasCredentials({ username, password }: URL): boolean {
  return username !== '' || password !== '';
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  );
}
