/** Which programs sign people in, and how long are their tokens valid? Public clients: a page cannot keep a secret. */
import type { ClientMetadata } from 'oidc-provider';

/** The page in web/. */
export const PAGE = 'chat-page';
/** A client whose tokens expire while the example requests run. */
export const KIOSK = 'chat-kiosk';
/** Of tokens of the kiosk, in seconds. */
export const KIOSK_LIFETIME = 3;

/** @param callback where people are sent back to */
export function describeClients(callback: string): ClientMetadata[] {
  return [PAGE, KIOSK].map((client_id) => ({
    client_id,
    token_endpoint_auth_method: 'none',
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }));
}
