/** Who signs people in? What the authorization server says about itself (OpenID Connect Discovery), asked for once. */
import 'server-only';
import * as openid from 'openid-client';
import { readClient } from './settings';

const TIMEOUT_SECONDS = 5;
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

let found: Promise<openid.Configuration> | undefined;

async function discover(): Promise<openid.Configuration> {
  const { issuer, id, secret } = readClient();
  const provider = await openid.discovery(issuer, id, undefined, openid.ClientSecretBasic(secret), {
    timeout: TIMEOUT_SECONDS,
    // Plain HTTP for one reason only: everything is on this machine.
    ...(LOOPBACK.includes(issuer.hostname) && { execute: [openid.allowInsecureRequests] }),
  });
  // One user's answer is nobody else's.
  provider[openid.customFetch] = (url, options) =>
    fetch(url, { ...options, cache: 'no-store' } as RequestInit);
  return provider;
}

/** A failure is not remembered: the next one who asks tries again. */
export function findProvider(): Promise<openid.Configuration> {
  found ??= discover().catch((error: unknown) => {
    found = undefined;
    throw error;
  });
  return found;
}

/** Whether the authorization server has said no, as opposed to nothing at all. */
export function isRefusal(error: unknown, code: string): boolean {
  const isAnswer =
    error instanceof openid.ResponseBodyError || error instanceof openid.AuthorizationResponseError;
  return isAnswer && error.error === code;
}

/** For the log: what went wrong, without what was sent or received. */
export function nameError(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const code = 'code' in error ? ` ${String(error.code)}` : '';
  const said = 'error' in error && typeof error.error === 'string' ? ` ${error.error}` : '';
  return `${error.name}${code}${said}`;
}
