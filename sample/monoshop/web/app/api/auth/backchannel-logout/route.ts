/** POST: somebody has signed out at the authorization server. Told on to both APIs, which verify it (Back-Channel Logout 1.0). */
import type { NextRequest } from 'next/server';
import { nameError } from '../../../../auth/provider';
import { apiNames, findApi } from '../../../../auth/settings';

const MAX_FORM_BYTES = 20_000;
const TIMEOUT_MS = 5000;

export async function POST(request: NextRequest): Promise<Response> {
  if (!(Number(request.headers.get('content-length')) <= MAX_FORM_BYTES)) return answer(400);
  const logoutToken = new URLSearchParams(await request.text()).get('logout_token');
  if (logoutToken === null) return answer(400);
  const told = await Promise.all(apiNames.map((name) => tell(findApi(name).url, logoutToken)));
  return answer(told.every(Boolean) ? 200 : 400);
}

/** Whether the API has ended the session. */
async function tell(api: string, logoutToken: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/backchannel-logout', api), {
      method: 'POST',
      body: new URLSearchParams({ logout_token: logoutToken }),
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return response.ok;
  } catch (error) {
    console.error(`the sign-out was not told to ${api}: ${nameError(error)}`);
    return false;
  }
}

function answer(status: number): Response {
  return new Response(null, { status, headers: { 'cache-control': 'no-store' } });
}
