/** Which token does this API get? One of its own, renewed before it runs out, once however many requests wait for it. */
import 'server-only';
import * as openid from 'openid-client';
import { findProvider, isRefusal } from './provider';
import { sessions, type Session } from './sessions';
import { apiNames, findApi, readRenewBefore, type ApiName } from './settings';

/** The authorization server renews nothing more for this session: it has been ended there. */
export class SessionEnded extends Error {}

/**
 * A token for this API, of this session's user. Throws `SessionEnded`, or what kept us from asking when there is no
 * token left that is good.
 */
export async function findAccessToken(session: Session, api: ApiName): Promise<string> {
  let failure: unknown;
  if (isDue(session, api)) {
    try {
      await renewOnce(session);
    } catch (error) {
      if (error instanceof SessionEnded) throw error;
      failure = error;
    }
  }
  // Renewal comes early: when it fails, the old one may still do.
  const token = session.accessTokens.get(api);
  if (!token || token.expiresAt <= Date.now()) throw failure ?? new Error('a token without a lifetime');
  return token.value;
}

/** @param askedAt before the question: whatever the way took is not added to the token's life */
export function storeAccessToken(
  session: Session,
  api: ApiName,
  answer: openid.TokenEndpointResponse,
  askedAt: number,
): void {
  const { access_token: value, scope = '', expires_in = 60 } = answer;
  // A token counts from the last whole second, which may be almost one ago.
  session.accessTokens.set(api, { value, scope, expiresAt: askedAt + (expires_in - 1) * 1000 });
}

function isDue({ accessTokens }: Session, api: ApiName): boolean {
  const token = accessTokens.get(api);
  return !token || token.expiresAt - Date.now() < readRenewBefore();
}

/** Whoever comes while a renewal is under way waits for that one. */
function renewOnce(session: Session): Promise<void> {
  session.renewal ??= renewDue(session).finally(() => {
    session.renewal = undefined;
  });
  return session.renewal;
}

/** One after the other: each answer may bring a new refresh token, and with it the old one ends (RFC 9700, 4.14.2). */
async function renewDue(session: Session): Promise<void> {
  const provider = await findProvider();
  for (const api of apiNames.filter((each) => isDue(session, each))) {
    const askedAt = Date.now();
    const answer = await renew(provider, session, api);
    session.refreshToken = answer.refresh_token ?? session.refreshToken;
    storeAccessToken(session, api, answer, askedAt);
  }
}

async function renew(provider: openid.Configuration, session: Session, api: ApiName) {
  if (session.refreshToken === undefined) return endSession(session);
  try {
    // `resource`: for which API this one is to be (RFC 8707, section 2.2).
    const resource = findApi(api).audience;
    return await openid.refreshTokenGrant(provider, session.refreshToken, { resource });
  } catch (error) {
    if (isRefusal(error, 'invalid_grant')) return endSession(session);
    throw error;
  }
}

function endSession({ id }: Session): never {
  sessions.delete(id);
  throw new SessionEnded();
}
