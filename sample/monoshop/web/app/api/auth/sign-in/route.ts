/** GET: to the authorization server. `?returnTo=` is where to go afterwards; `?stepUp`: as the last challenge of an API says. */
import type { NextRequest } from 'next/server';
import { findSession, findSignInId, rememberSignIn } from '../../../../auth/cookies';
import { nameError } from '../../../../auth/provider';
import { sendBrowser } from '../../../../auth/redirect';
import { makeId } from '../../../../auth/sessions';
import { beginSignIn } from '../../../../auth/sign-in';

export async function GET(request: NextRequest): Promise<Response> {
  // Two tabs may sign in at the same time: the browser keeps its number, `state` tells them apart.
  const browser = (await findSignInId()) ?? makeId();
  const returnTo = request.nextUrl.searchParams.get('returnTo') ?? '/';
  const stepUp = request.nextUrl.searchParams.has('stepUp') ? (await findSession())?.stepUp : undefined;
  let url: URL;
  try {
    url = await beginSignIn(browser, returnTo, stepUp);
  } catch (error) {
    console.error(`sign-in cannot begin: ${nameError(error)}`);
    return sendBrowser('/?problem=unreachable');
  }
  await rememberSignIn(browser);
  return sendBrowser(url.href);
}
