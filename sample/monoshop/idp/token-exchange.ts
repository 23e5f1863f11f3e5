/** Who may act for whom? An API exchanges the token that a person sent it for one for another API. RFC 8693. */
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { errors, type JWKS, type Provider, type ResourceServer } from 'oidc-provider';
import { invoiceApi, TOKEN_EXCHANGE } from './clients.js';
import { INVOICES, PRODUCTS } from './resources.js';
import { findUser, type User } from './users.js';

interface Parameters {
  readonly resource?: string;
  readonly scope?: string;
  readonly subject_token?: string;
  readonly subject_token_type?: string;
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** Which API may call which other one. */
const ALLOWED = { client: invoiceApi.id, from: INVOICES, to: PRODUCTS } as const;

/** @param describe what tokens for an API are like, for a client */
export function registerTokenExchange(
  provider: Provider,
  jwks: JWKS,
  describe: (resource: string, clientId: string) => ResourceServer,
): void {
  const keys = createLocalJWKSet(publicKeysOf(jwks));

  /** Whose token it is, if it is a good one for the API that exchanges it. */
  async function findSubject(token: string): Promise<User | undefined> {
    const opaque = await provider.AccessToken.find(token);
    if (opaque) return opaque.aud === ALLOWED.from ? findUser(opaque.accountId) : undefined;
    const expected = { issuer: provider.issuer, audience: ALLOWED.from, typ: 'at+jwt' };
    const verified = await jwtVerify(token, keys, expected).catch(() => undefined);
    return findUser(verified?.payload.sub ?? '');
  }

  provider.registerGrantType<Parameters>(
    TOKEN_EXCHANGE,
    async (ctx) => {
      const { client, params } = ctx.oidc;
      if (client.clientId !== ALLOWED.client || params.resource !== ALLOWED.to)
        throw new errors.InvalidTarget('this client may not call that API for others');
      if (params.subject_token === undefined || params.subject_token_type !== ACCESS_TOKEN)
        throw new errors.InvalidRequest('subject_token is not an access token');
      const user = await findSubject(params.subject_token);
      if (!user) throw new errors.InvalidGrant('subject_token is not good, or not of a person');

      const described = describe(ALLOWED.to, client.clientId);
      const allowed = new Set(described.scope.split(' '));
      // No more than the client may have, and no more than the person may do.
      const scopes = (params.scope ?? described.scope)
        .split(' ')
        .filter((scope) => allowed.has(scope) && user.mayGrant.includes(scope));
      if (scopes.length === 0) throw new errors.InvalidScope('none of these scopes', params.scope ?? '');
      const token = new provider.AccessToken({
        client,
        accountId: user.id,
        grantId: '',
        gty: TOKEN_EXCHANGE,
        scope: scopes.join(' '),
      });
      token.resourceServer = { ...described, scopes: allowed, identifier: () => ALLOWED.to };
      ctx.body = {
        access_token: await token.save(),
        issued_token_type: ACCESS_TOKEN,
        token_type: 'Bearer',
        expires_in: token.expiration,
        scope: token.scope,
      };
    },
    ['resource', 'scope', 'subject_token', 'subject_token_type'],
  );
}

function publicKeysOf({ keys }: JWKS): JSONWebKeySet {
  return {
    keys: keys.map(({ kty, crv, e, n, x, y, kid, alg }) => clean({ kty, crv, e, n, x, y, kid, alg })),
  };
}

function clean(jwk: Record<string, unknown>): JSONWebKeySet['keys'][number] {
  return JSON.parse(JSON.stringify(jwk)) as JSONWebKeySet['keys'][number];
}
