/** Which browser is this? Two cookies that no script can read, and that no other site's form sends along. */
import 'server-only';
import { cookies } from 'next/headers';
import { cache } from 'react';
import { SESSION_LIFETIME, SIGN_IN_LIFETIME, sessions, type Session } from './sessions';
import { readOrigin } from './settings';

const SESSION = 'monoshop_session';
/** While a sign-in is under way: it has to end in the browser in which it began. */
const SIGN_IN = 'monoshop_sign_in';

function describeCookie(lifetime: number) {
  const secure = readOrigin().startsWith('https:');
  return { httpOnly: true, sameSite: 'lax', path: '/', secure, maxAge: lifetime / 1000 } as const;
}

/** Whose request is being answered; `undefined` when nobody is signed in. */
export const findSession = cache(async (): Promise<Session | undefined> => {
  const id = (await cookies()).get(SESSION)?.value;
  return id === undefined ? undefined : sessions.get(id);
});

export async function rememberSession({ id }: Session): Promise<void> {
  (await cookies()).set(SESSION, id, describeCookie(SESSION_LIFETIME));
}

export async function forgetSession(): Promise<void> {
  (await cookies()).delete(SESSION);
}

export async function findSignInId(): Promise<string | undefined> {
  return (await cookies()).get(SIGN_IN)?.value;
}

export async function rememberSignIn(id: string): Promise<void> {
  (await cookies()).set(SIGN_IN, id, describeCookie(SIGN_IN_LIFETIME));
}

export async function forgetSignIn(): Promise<void> {
  (await cookies()).delete(SIGN_IN);
}
