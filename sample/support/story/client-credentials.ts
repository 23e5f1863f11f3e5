/** How does a program get a token for itself? The client credentials grant, RFC 6749 section 4.4. */
import * as oauth from 'oauth4webapi';

export interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/** Plain HTTP is fine here for one reason only: everything is on this machine. */
export const overHttp = { [oauth.allowInsecureRequests]: true };

/** How it gets there: as above, or over TLS with certificates of its own (`customFetch`). */
type Way = Pick<
  oauth.ClientCredentialsGrantRequestOptions & oauth.DiscoveryRequestOptions,
  typeof oauth.allowInsecureRequests | typeof oauth.customFetch
>;

/** Where its endpoints are, in its own words. */
export async function discover(issuer: URL, way: Way = overHttp): Promise<oauth.AuthorizationServer> {
  const response = await oauth.discoveryRequest(issuer, way);
  return oauth.processDiscoveryResponse(issuer, response);
}

export async function requestForClient(
  server: oauth.AuthorizationServer,
  { id, secret }: Credentials,
  resource: string,
  scope: string,
  way: Way = overHttp,
): Promise<string> {
  const client = { client_id: id };
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    oauth.ClientSecretBasic(secret),
    { resource, scope },
    way,
  );
  const { access_token } = await oauth.processClientCredentialsResponse(server, client, response);
  return access_token;
}
