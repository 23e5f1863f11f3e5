/** For the demonstration only: which status does the Product API have for the token of the Invoice API? Programs have no use for it. */
import 'server-only';
import { findAccessToken } from '../auth/access-tokens';
import type { Session } from '../auth/sessions';
import { findApi } from '../auth/settings';

const TIMEOUT_MS = 5000;

/** @returns `undefined` if there is no response */
export async function tryAtProductApi(session: Session): Promise<number | undefined> {
  try {
    const headers = { authorization: `Bearer ${await findAccessToken(session, 'invoices')}` };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const url = new URL('/products', findApi('products').url);
    const response = await fetch(url, { headers, cache: 'no-store', redirect: 'error', signal });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
