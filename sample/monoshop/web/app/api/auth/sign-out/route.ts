/** POST: out, here and at the authorization server. Only by a form of ours. */
import type { NextRequest } from 'next/server';
import { findSession, forgetSession } from '../../../../auth/cookies';
import { nameError } from '../../../../auth/provider';
import { sendBrowser } from '../../../../auth/redirect';
import { readOrigin } from '../../../../auth/settings';
import { endSession } from '../../../../auth/sign-in';

export async function POST(request: NextRequest): Promise<Response> {
  // A page of somebody else could hold the same form: it cannot write this header.
  if (request.headers.get('origin') !== readOrigin()) return new Response('forbidden', { status: 403 });

  const session = await findSession();
  await forgetSession();
  let destination = '/';
  try {
    if (session) destination = (await endSession(session)).href;
  } catch (error) {
    // Signed out here, at least; the authorization server cannot be reached by the browser either.
    console.error(`sign-out at the authorization server failed: ${nameError(error)}`);
  }
  return sendBrowser(destination);
}
