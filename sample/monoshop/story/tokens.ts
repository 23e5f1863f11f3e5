/** Where do the story's tokens come from? From the authorization server, in the two ways that real ones do. */
import * as oauth from 'oauth4webapi';
import { overHttp, requestForClient } from '#support/story/client-credentials.js';
import { catalogManager, lateCourier, SHOP_WEB_CALLBACK, shopBackend, shopWeb } from '../idp/clients.js';
import { INVOICES, PRODUCTS, WITH_CODE } from '../idp/resources.js';
import { admin, clerk, type User } from '../idp/users.js';
import { walkThroughLogin } from '#support/story/browser.js';

export interface StoryTokens {
  readonly products: string;
  readonly invoices: string;
  readonly write: string;
  readonly clerk: string;
  readonly admin: string;
  /** Of the clerk, for the Invoice API. */
  readonly clerkInvoices: string;
  /** Of the admin, for the Invoice API: by password, and with a code. */
  readonly adminPays: string;
  readonly adminPaysWithCode: string;
  readonly expired: string;
}

export async function collectTokens(server: oauth.AuthorizationServer): Promise<StoryTokens> {
  const [products, invoices, write, expired, ofClerk, ofAdmin, ...ofPeople] = await Promise.all([
    requestForClient(server, shopBackend, PRODUCTS, 'read:products'),
    requestForClient(server, shopBackend, INVOICES, 'read:invoices'),
    requestForClient(server, catalogManager, PRODUCTS, 'read:products write:products'),
    requestForClient(server, lateCourier, PRODUCTS, 'read:products'),
    signIn(server, clerk, PRODUCTS, 'read:products'),
    signIn(server, admin, PRODUCTS, 'read:products'),
    signIn(server, clerk, INVOICES, 'read:invoices'),
    signIn(server, admin, INVOICES, 'read:invoices pay:invoices'),
    signIn(server, admin, INVOICES, 'read:invoices pay:invoices', WITH_CODE),
  ]);
  const [clerkInvoices, adminPays, adminPaysWithCode] = ofPeople;
  const people = { clerk: ofClerk, admin: ofAdmin, clerkInvoices, adminPays, adminPaysWithCode };
  return { products, invoices, write, expired, ...people };
}

/** A person signs in to the front end: authorization code and PKCE, RFC 6749 section 4.1 and RFC 7636. */
async function signIn(
  server: oauth.AuthorizationServer,
  user: User,
  resource: string,
  scope: string,
  acr?: string,
): Promise<string> {
  const client = { client_id: shopWeb.id };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();

  const url = new URL(server.authorization_endpoint ?? '');
  url.search = new URLSearchParams({
    client_id: shopWeb.id,
    redirect_uri: SHOP_WEB_CALLBACK,
    response_type: 'code',
    scope: `openid ${scope}`,
    resource,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(acr !== undefined && { acr_values: acr }),
  }).toString();

  const callback = await walkThroughLogin(url, SHOP_WEB_CALLBACK, user);
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.ClientSecretBasic(shopWeb.secret),
    oauth.validateAuthResponse(server, client, callback, state),
    SHOP_WEB_CALLBACK,
    verifier,
    { ...overHttp, additionalParameters: { resource } },
  );
  const { access_token } = await oauth.processAuthorizationCodeResponse(server, client, response);
  return access_token;
}
