/** Which address of the metadata is asked for tokens, and how often. RFC 8705 section 5, RFC 9449 section 8. */
import { DPoP, generateKeyPair } from 'oauth4webapi';
import { TokenEndpoint, type TokenIssuer } from '../../../lib/calling/token-endpoint.js';
import { ConfigurationError, ProviderError } from '../../../lib/errors/auth.errors.js';

const ISSUER = 'https://issuer.example.com';
const PLAIN = `${ISSUER}/token`;
const ALIAS = 'https://mtls.example.com/token';
const REQUEST = { operation: 'client_credentials', grantType: 'client_credentials', parameters: {} } as const;
const GOOD = { access_token: 'abc', token_type: 'Bearer' };

interface Sent {
  readonly address: string;
  readonly presentCertificate: unknown;
}

/** An issuer with this metadata, and what it is sent. Answers come in turn; the last one again and again. */
function issuerWith(
  metadata: object,
  options: object = {},
  answers: readonly (readonly [status: number, body: object, nonce?: string])[] = [[200, GOOD]],
): { readonly issuer: TokenIssuer; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const send = (
    _: unknown,
    address: string,
    _init: unknown,
    rest: { presentCertificate: unknown },
  ): unknown => {
    const [status, body, nonce] = answers[Math.min(sent.length, answers.length - 1)] ?? [500, {}];
    sent.push({ address, presentCertificate: rest.presentCertificate });
    const headers = new Headers(nonce === undefined ? {} : { 'dpop-nonce': nonce });
    return Promise.resolve({ url: address, status, headers, body: JSON.stringify(body) });
  };
  const issuer = {
    options: {
      issuer: ISSUER,
      responseTimeout: 10,
      clientId: 'the-api',
      clientSecret: 'a secret of this test',
      clientAuthMethod: 'client_secret_post',
      ...options,
    },
    metadata: { get: () => Promise.resolve({ issuer: ISSUER, ...metadata }) },
    client: { send },
  };
  return { issuer: issuer as unknown as TokenIssuer, sent };
}

const WITH_CERTIFICATE = { clientAuthMethod: 'tls_client_auth', clientSecret: undefined };

describe('TokenEndpoint', () => {
  it.each<[string, object, object, Sent]>([
    [
      'the endpoint',
      { token_endpoint: PLAIN, mtls_endpoint_aliases: { token_endpoint: ALIAS } },
      {},
      { address: PLAIN, presentCertificate: false },
    ],
    [
      'its alias, with a certificate',
      { token_endpoint: PLAIN, mtls_endpoint_aliases: { token_endpoint: ALIAS } },
      WITH_CERTIFICATE,
      { address: ALIAS, presentCertificate: true },
    ],
    [
      'the endpoint, with a certificate and aliases of others',
      { token_endpoint: PLAIN, mtls_endpoint_aliases: { introspection_endpoint: ALIAS } },
      WITH_CERTIFICATE,
      { address: PLAIN, presentCertificate: true },
    ],
    [
      'the endpoint, where the aliases are no object',
      { token_endpoint: PLAIN, mtls_endpoint_aliases: [ALIAS] },
      WITH_CERTIFICATE,
      { address: PLAIN, presentCertificate: true },
    ],
  ])('asks %s', async (_, metadata, options, wanted) => {
    const { issuer, sent } = issuerWith(metadata, options);
    const request = new TokenEndpoint(issuer).request(REQUEST, { key: 'k', dpop: undefined });
    expect(await request).toEqual({ accessToken: 'abc', expiresIn: undefined });
    expect(sent).toEqual([wanted]);
  });

  it.each<[string, object, object]>([
    ['no address', {}, {}],
    ['an address that is none', { token_endpoint: '/token' }, {}],
    ['a list', { token_endpoint: [PLAIN] }, {}],
    ['an alias, and no certificate', { mtls_endpoint_aliases: { token_endpoint: ALIAS } }, {}],
    [
      'an alias that is none, with a certificate',
      { token_endpoint: PLAIN, mtls_endpoint_aliases: { token_endpoint: '/token' } },
      WITH_CERTIFICATE,
    ],
    ['no client', { token_endpoint: PLAIN }, { clientId: undefined }],
  ])('asks nobody with %s', async (_, metadata, options) => {
    const { issuer, sent } = issuerWith(metadata, options);
    const request = new TokenEndpoint(issuer).request(REQUEST, { key: 'k', dpop: undefined });
    await expect(request).rejects.toBeInstanceOf(ConfigurationError);
    expect(sent).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['the secret', {}, 'clientId, clientSecret, clientAuthMethod (client_secret_post)'],
    [
      'the certificate',
      WITH_CERTIFICATE,
      'clientId, clientCertificate, clientCertificateKey, clientAuthMethod (tls_client_auth)',
    ],
  ])('says to check %s where that is what the client authenticates with', async (_, options, advice) => {
    const { issuer } = issuerWith({ token_endpoint: PLAIN }, options, [[401, { error: 'invalid_client' }]]);
    const request = new TokenEndpoint(issuer).request(REQUEST, { key: 'k', dpop: undefined });
    await expect(request).rejects.toMatchObject({ detail: expect.stringContaining(`check ${advice}`) });
  });

  describe('a nonce that the endpoint requires', () => {
    const dpop = async (): Promise<ReturnType<typeof DPoP>> => DPoP({}, await generateKeyPair('ES256'));
    const refusal = [400, { error: 'use_dpop_nonce' }, 'n-1'] as const;
    const bound = { access_token: 'abc', token_type: 'DPoP' };

    it('is proven at once', async () => {
      const { issuer, sent } = issuerWith({ token_endpoint: PLAIN }, {}, [refusal, [200, bound]]);
      const request = new TokenEndpoint(issuer).request(REQUEST, { key: 'k', dpop: await dpop() });
      expect((await request).accessToken).toBe('abc');
      expect(sent).toHaveLength(2);
    });

    it('is proven once only', async () => {
      const { issuer, sent } = issuerWith({ token_endpoint: PLAIN }, {}, [refusal]);
      const request = new TokenEndpoint(issuer).request(REQUEST, { key: 'k', dpop: await dpop() });
      await expect(request).rejects.toBeInstanceOf(ProviderError);
      expect(sent).toHaveLength(2);
    });

    it('changes nothing where no key is there to prove it', async () => {
      const { issuer, sent } = issuerWith({ token_endpoint: PLAIN }, {}, [refusal]);
      const request = new TokenEndpoint(issuer).request(REQUEST, { key: 'k', dpop: undefined });
      await expect(request).rejects.toBeInstanceOf(ProviderError);
      expect(sent).toHaveLength(1);
    });
  });
});
