/** How does a person sign in? Authorization code and PKCE: RFC 6749 section 4.1, RFC 7636, OpenID Connect Core 3.1. */
import 'server-only';
import * as openid from 'openid-client';
import { storeAccessToken } from './access-tokens';
import { findProvider } from './provider';
import { makeId, sessions, signIns, type Session, type StepUp, type User } from './sessions';
import { apiNames, findApi, readCallback, readClient, readOrigin, SCOPE } from './settings';

/**
 * Where the browser has to go. `browser` is the one in which it will have to end.
 *
 * @param stepUp what an API requires of this sign-in
 */
export async function beginSignIn(browser: string, returnTo: string, stepUp?: StepUp): Promise<URL> {
  const provider = await findProvider();
  const signIn = {
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    codeVerifier: openid.randomPKCECodeVerifier(),
    returnTo: keepInside(returnTo),
    maxAge: stepUp?.maxAge === undefined ? undefined : Number(stepUp.maxAge),
  };
  signIns.set(keyOf(browser, signIn.state), signIn);

  const parameters = new URLSearchParams({
    redirect_uri: readCallback(),
    scope: SCOPE,
    state: signIn.state,
    nonce: signIn.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(signIn.codeVerifier),
    code_challenge_method: 'S256',
  });
  if (stepUp?.acrValues !== undefined) parameters.set('acr_values', stepUp.acrValues);
  if (stepUp?.maxAge !== undefined) parameters.set('max_age', stepUp.maxAge);
  for (const api of apiNames) parameters.append('resource', findApi(api).audience);
  return openid.buildAuthorizationUrl(provider, parameters);
}

/** @returns `undefined` if nothing has begun in this browser that this could be the end of, or too long ago */
export async function completeSignIn(
  browser: string,
  answer: URLSearchParams,
): Promise<{ session: Session; returnTo: string } | undefined> {
  const signIn = signIns.take(keyOf(browser, answer.get('state') ?? ''));
  if (!signIn) return undefined;

  const provider = await findProvider();
  const checks = {
    expectedState: signIn.state,
    expectedNonce: signIn.nonce,
    pkceCodeVerifier: signIn.codeVerifier,
    idTokenExpected: true,
    ...(signIn.maxAge !== undefined && { maxAge: signIn.maxAge }),
  };
  const callback = new URL(`${readCallback()}?${answer.toString()}`);
  // The code is good for one token, of the first API. That of the other comes by refresh token, when it is needed.
  const resource = findApi('products').audience;
  const askedAt = Date.now();
  const tokens = await openid.authorizationCodeGrant(provider, callback, checks, { resource });

  const claims = tokens.claims();
  if (!claims) throw new Error('there is no ID token');

  const session: Session = {
    id: makeId(),
    user: readUser(claims),
    refreshToken: tokens.refresh_token,
    accessTokens: new Map(),
    renewal: undefined,
  };
  storeAccessToken(session, 'products', tokens, askedAt);
  sessions.set(session.id, session);
  return { session, returnTo: signIn.returnTo };
}

/** Where the browser has to go so that the authorization server forgets it, too (RP-Initiated Logout 1.0). */
export async function endSession(session: Session): Promise<URL> {
  sessions.delete(session.id);
  // What a renewal still brings would otherwise come after the revocation.
  await session.renewal?.catch(() => undefined);

  const provider = await findProvider();
  if (session.refreshToken !== undefined) {
    await openid.tokenRevocation(provider, session.refreshToken, { token_type_hint: 'refresh_token' });
  }
  return openid.buildEndSessionUrl(provider, {
    // Instead of `id_token_hint`, which would take the ID token through the browser. It asks the person, then.
    client_id: readClient().id,
    post_logout_redirect_uri: readOrigin(),
  });
}

function keyOf(browser: string, state: string): string {
  return `${browser} ${state}`;
}

/** A path of ours: a link to us must not become one to elsewhere. */
function keepInside(returnTo: string): string {
  const origin = readOrigin();
  const url = URL.canParse(returnTo, origin) ? new URL(returnTo, origin) : new URL(origin);
  return url.origin === origin ? `${url.pathname}${url.search}` : '/';
}

function readUser({ sub, name, groups }: openid.IDToken): User {
  return {
    id: sub,
    name: typeof name === 'string' ? name : sub,
    groups: Array.isArray(groups) ? groups.map(String) : [],
  };
}
