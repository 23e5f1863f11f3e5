/** Who is signed in, and with which tokens? Here, in this process: the browser has the number of its session, no more. */
import 'server-only';
import { randomBytes } from 'node:crypto';
import { ExpiringMap } from './expiring-map';
import type { ApiName } from './settings';

export interface User {
  readonly id: string;
  readonly name: string;
  /** For what is shown. What may be done is decided by the APIs, by the groups in the access token. */
  readonly groups: readonly string[];
}

export interface AccessToken {
  readonly value: string;
  readonly scope: string;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The sign-in that an API requires (RFC 9470), as its challenge says. */
export interface StepUp {
  readonly acrValues: string | undefined;
  /** In seconds. */
  readonly maxAge: string | undefined;
}

export interface Session {
  readonly id: string;
  readonly user: User;
  refreshToken: string | undefined;
  readonly accessTokens: Map<ApiName, AccessToken>;
  /** The renewal that is under way. */
  renewal: Promise<void> | undefined;
  /** Of the last challenge: what the next sign-in has to be. */
  stepUp?: StepUp;
}

/** A sign-in that has begun: what its end is held to. */
export interface SignIn {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
  readonly maxAge: number | undefined;
}

const HOUR = 60 * 60 * 1000;
export const SIGN_IN_LIFETIME = HOUR / 6;
export const SESSION_LIFETIME = 8 * HOUR;

function makeStores() {
  return {
    sessions: new ExpiringMap<Session>(10_000, SESSION_LIFETIME),
    signIns: new ExpiringMap<SignIn>(10_000, SIGN_IN_LIFETIME),
  };
}

// Next.js may load a module once for pages and once for route handlers; the process has one global object.
const shared = globalThis as typeof globalThis & { monoshop?: ReturnType<typeof makeStores> };
shared.monoshop ??= makeStores();

export const { sessions, signIns } = shared.monoshop;

/** 256 bits: nobody guesses it. */
export function makeId(): string {
  return randomBytes(32).toString('base64url');
}
