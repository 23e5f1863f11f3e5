/** GET: back from the authorization server, with a code or with an error. */
import type { NextRequest } from 'next/server';
import { findSession, findSignInId, forgetSignIn, rememberSession } from '../../../../auth/cookies';
import { isRefusal, nameError } from '../../../../auth/provider';
import { sendBrowser } from '../../../../auth/redirect';
import { sessions } from '../../../../auth/sessions';
import { completeSignIn } from '../../../../auth/sign-in';

type Completed = Awaited<ReturnType<typeof completeSignIn>>;

export async function GET(request: NextRequest): Promise<Response> {
  const browser = await findSignInId();
  let completed: Completed;
  try {
    completed = browser ? await completeSignIn(browser, request.nextUrl.searchParams) : undefined;
  } catch (error) {
    if (isRefusal(error, 'access_denied')) return sendBrowser('/?problem=refused');
    console.error(`sign-in failed: ${nameError(error)}`);
    return sendBrowser('/?problem=failed');
  }
  if (!completed) return sendBrowser('/?problem=expired');

  const before = await findSession();
  if (before) sessions.delete(before.id);
  await forgetSignIn();
  // A new number with every sign-in: one that somebody has slipped to this browser is worth nothing.
  await rememberSession(completed.session);
  return sendBrowser(completed.returnTo);
}
