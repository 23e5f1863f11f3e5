/** Which addresses of the authorization server may be asked. */
import { ConfigurationError } from '../errors/auth.errors.js';
import { withoutQuery } from './provider-answer.js';

/** Addresses that the application names itself. */
export interface OwnAddresses {
  readonly issuer: string;
  readonly jwksUri?: string | undefined;
  readonly introspectionEndpoint?: string | undefined;
}

/** @throws {ConfigurationError} for an address, of metadata or of an option, that nothing may be sent to */
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

/** Metadata of an issuer elsewhere must not send secrets to a port of this machine. The application may. */
function isOwnMachine({ origin }: URL, { issuer, jwksUri, introspectionEndpoint }: OwnAddresses): boolean {
  if (isLoopback(new URL(issuer).hostname)) return true;
  return [jwksUri, introspectionEndpoint].some((own) => own !== undefined && new URL(own).origin === origin);
}

/** `https`, or `http` where nobody can stand in between. */
export function isSecureEnough(url: URL, allowInsecureRequests: boolean): boolean {
  if (url.protocol === 'https:') return true;
  return url.protocol === 'http:' && (allowInsecureRequests || isLoopback(url.hostname));
}

/** `fetch` refuses such addresses, and quotes them. */
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
