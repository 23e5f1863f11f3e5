/** Authenticates this API at the provider. RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2. */
import { createPrivateKey, type JsonWebKey } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import {
  ClientSecretJwt,
  ClientSecretPost,
  modifyAssertion,
  PrivateKeyJwt,
  TlsClientAuth,
  type ClientAuth,
} from 'oauth4webapi';
import { ConfigurationError } from '../errors/auth.errors.js';

export const CLIENT_AUTH_METHODS = [
  'client_secret_post',
  'client_secret_basic',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
] as const;

/**
 * How this API authenticates at the provider: names of `token_endpoint_auth_methods_supported` (RFC 8414 section 2).
 */
export type ClientAuthMethod = (typeof CLIENT_AUTH_METHODS)[number];

/** A JSON Web Key (RFC 7517); a private key for `private_key_jwt`. */
export type ClientKey = JWK;

export interface ClientOptions {
  /**
   * This API's own client at the provider. It enables [introspection](../../docs/introspection.md) of opaque
   * tokens, which are rejected without it, and requests [tokens for other APIs](../../docs/calling-apis.md).
   */
  readonly clientId?: string | undefined;
  /** The client's secret; for `private_key_jwt` its private key as a JWK (JSON in the variable). */
  readonly clientSecret?: string | ClientKey | undefined;
  /**
   * How the client authenticates: also `client_secret_basic`, `client_secret_jwt`, `private_key_jwt`,
   * `tls_client_auth`, `self_signed_tls_client_auth`.
   *
   * @default 'client_secret_post'
   */
  readonly clientAuthMethod: ClientAuthMethod;
}

export function usesTls(method: ClientAuthMethod): boolean {
  return method === 'tls_client_auth' || method === 'self_signed_tls_client_auth';
}

/**
 * Prepares the authentication of all requests. Assertions contain the URL of the endpoint as their audience (providers that
 * accept the issuer accept it too; some accept nothing else) and a new `jti`, and are valid for a minute.
 */
export async function prepareClientAuthentication(
  { clientSecret, clientAuthMethod }: ClientOptions,
  endpoint: () => string,
): Promise<ClientAuth> {
  if (usesTls(clientAuthMethod)) return TlsClientAuth();
  const assertion = {
    [modifyAssertion]: (header: Record<string, unknown>, payload: Record<string, unknown>) => {
      payload['aud'] = endpoint();
      // The library writes the name of RFC 9864. A key whose `alg` is the older name is registered with that name.
      if (typeof clientSecret === 'object' && clientSecret.alg === 'EdDSA') header['alg'] = 'EdDSA';
    },
  };
  if (clientAuthMethod === 'private_key_jwt') {
    const jwk = clientSecret as ClientKey;
    const key = await importPrivateKey(jwk);
    return PrivateKeyJwt(jwk.kid === undefined ? key : { key, kid: jwk.kid }, assertion);
  }
  const secret = clientSecret as string;
  if (clientAuthMethod === 'client_secret_jwt') return ClientSecretJwt(secret, assertion);
  return clientAuthMethod === 'client_secret_basic' ? basicAuthentication(secret) : ClientSecretPost(secret);
}

/** The parts of a request that authenticate the client. */
export interface ClientCredentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Form parameters, encoded as `application/x-www-form-urlencoded`. */
  readonly parameters: string;
}

/** Prepares the credentials. They are created for each request only if they differ, as assertions do. */
export async function prepareClientCredentials(
  options: ClientOptions,
  issuer: string,
  endpoint: () => string,
): Promise<() => ClientCredentials | Promise<ClientCredentials>> {
  const authenticate = await prepareClientAuthentication(options, endpoint);
  const make = async (): Promise<ClientCredentials> => {
    const body = new URLSearchParams();
    const headers = new Headers();
    await authenticate({ issuer }, { client_id: options.clientId ?? '' }, body, headers);
    return { headers: Object.fromEntries(headers), parameters: body.toString() };
  };
  if (ASSERTION_METHODS.has(options.clientAuthMethod)) return make;
  const credentials = await make();
  return () => credentials;
}

const ASSERTION_METHODS: ReadonlySet<ClientAuthMethod> = new Set(['client_secret_jwt', 'private_key_jwt']);

const ALGORITHMS_OF_CURVE: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['Ed25519', 'EdDSA'],
};
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
const MIN_RSA_BITS = 2048;

/** @throws {TypeError} if the key cannot sign assertions; the message contains no part of the key */
export function checkClientKey(jwk: ClientKey): void {
  const { use, key_ops: operations, kid } = jwk as Readonly<Record<string, unknown>>;
  const algorithm = algorithmOf(jwk);
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
  const { modulusLength = Infinity } = key.asymmetricKeyDetails ?? {};
  const isForSigning =
    (use === undefined || use === 'sig') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('sign')));
  const isNamed = kid === undefined || (typeof kid === 'string' && kid !== '');
  if (algorithm === undefined || modulusLength < MIN_RSA_BITS || !isForSigning || !isNamed)
    throw new TypeError('not a key that signs');
}

/** Returns the `alg` of the key, or else the most common one for its type; `undefined` if `alg` does not fit the type. */
function algorithmOf({ kty, crv, alg }: ClientKey): string | undefined {
  const algorithms = kty === 'RSA' ? RSA_ALGORITHMS : (ALGORITHMS_OF_CURVE[crv ?? ''] ?? []);
  return alg === undefined ? algorithms[0] : algorithms.find((each) => each === alg);
}

async function importPrivateKey(jwk: ClientKey): Promise<CryptoKey> {
  // Loaded only if it is needed: it accounts for a fifth of the load time of this package.
  const { importJWK } = await import('jose');
  // The reason is not reported, because it may quote the key.
  const key = await importJWK(jwk, algorithmOf(jwk) ?? '').catch(() => undefined);
  if (!key) throw new ConfigurationError('clientSecret: the private key (JWK) cannot be read');
  if (key instanceof Uint8Array || key.type !== 'private' || !key.usages.includes('sign'))
    throw new ConfigurationError('clientSecret: the JWK is not a private key that signs');
  return key;
}

/**
 * Encodes the id and the secret as `application/x-www-form-urlencoded` (RFC 6749 section 2.3.1), which does not escape `*`,
 * `-`, `.` and `_`. Servers that do not decode them therefore still read most secrets correctly.
 */
function basicAuthentication(clientSecret: string): ClientAuth {
  return (_server, { client_id: clientId }, _body, headers) => {
    const credentials = [clientId, clientSecret].map(encodeForm).join(':');
    headers.set('authorization', `Basic ${Buffer.from(credentials).toString('base64')}`);
  };
}

function encodeForm(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice(1);
}
