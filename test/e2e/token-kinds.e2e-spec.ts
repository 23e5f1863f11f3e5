/** Tokens that their own claims, or the provider, name something else than access tokens. */
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { expectInvalidToken, refusals } from '../support/gate.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

const REFUSED: readonly (readonly [provider: string, claims: Record<string, unknown>])[] = [
  ['Ory Hydra', { token_type: 'Bearer', token_use: 'refresh_token' }],
  ['RFC 8693', { token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
  ['RFC 8693, an ID token', { token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
  ['RFC 8693, a SAML assertion', { type: 'urn:ietf:params:oauth:token-type:saml2' }],
  ['Glewlwyd', { token_type: 'refresh_token' }],
  ['Salesforce', { token_type: 'Refresh_Token' }],
  ['djangorestframework-simplejwt', { token_type: 'refresh' }],
  ['Keycloak', { typ: 'Refresh' }],
  ['Keycloak, offline', { typ: 'Offline' }],
  ['Keycloak, an ID token', { typ: 'ID' }],
  ['Amazon Cognito, an ID token', { token_use: 'id' }],
  ['OpenIddict', { token_usage: 'refresh_token' }],
  ['Oracle', { tok_type: 'RT' }],
  ['ForgeRock', { tokenName: 'refresh_token' }],
  ['Casdoor', { tokenType: 'refresh-token' }],
  ['Curity', { purpose: 'id_token' }],
  ['Flask-JWT-Extended', { type: 'refresh' }],
];

const ACCEPTED: readonly (readonly [provider: string, claims: Record<string, unknown>])[] = [
  ['Ory Hydra', { token_type: 'Bearer', token_use: 'access_token' }],
  ['Amazon Cognito', { token_use: 'access' }],
  ['Keycloak', { typ: 'Bearer' }],
  ['RFC 8693', { token_type: 'urn:ietf:params:oauth:token-type:access_token' }],
  ['Oracle', { tok_type: 'AT' }],
  ['an application with a claim of that name', { type: 'user' }],
];

describe.each(PLATFORMS)('kinds of tokens on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(issuer.introspecting, { platform });
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  const tokensWith = (claims: Record<string, unknown>): string[] => [
    issuer.opaqueToken(claims),
    issuer.token({ claims }),
    issuer.token({ claims, header: { typ: 'JWT' } }),
  ];

  it.each(REFUSED)('refuses the mark of %s, opaque or a JWT', async (_, claims) => {
    for (const token of tokensWith(claims)) expectInvalidToken(await app.get('/things', bearer(token)));
    expect(refusals().filter(({ reason }) => reason.endsWith(': not an access token'))).toHaveLength(3);
  });

  it.each(ACCEPTED)('accepts the access token of %s, opaque or a JWT', async (_, claims) => {
    for (const token of tokensWith(claims))
      expect((await app.get('/things', bearer(token))).status).toBe(200);
  });
});
