/** Secrets and addresses among the options: what is refused, what is quoted, what is read as it stands. */
import { type KeyObject } from 'node:crypto';
import { generateKeys } from '../../../lib/testing/generate-keys.js';
import type { AuthModuleOptions } from '../../../lib/options/auth-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import type { ClientKey } from '../../../lib/issuer/client-authentication.js';

const PREFIX = 'MONOCLOUD_BACKEND_';
const GOOD = { issuer: 'https://issuer.example', audience: 'https://api.example.com' };
const CLIENT = { ...GOOD, clientId: 'the-api' };

const resolve = (given: AuthModuleOptions, variables: Record<string, string> = {}) =>
  resolveOptions(given, (name) => variables[name.replace(PREFIX, '')]);

function mistakesIn(given: AuthModuleOptions, variables: Record<string, string> = {}): string {
  try {
    resolve(given, variables);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const jwkOf = (privateKey: KeyObject, members: Record<string, unknown> = {}): ClientKey =>
  ({ ...privateKey.export({ format: 'jwk' }), ...members }) as ClientKey;

describe('credentials in addresses', () => {
  const password = 'hunter2-of-the-provider';

  it.each(['jwksUri', 'introspectionEndpoint', 'issuer', 'publicUrl'] as const)(
    'are refused in %s, and not quoted',
    (option) => {
      const message = mistakesIn({
        ...CLIENT,
        clientSecret: 'a-secret',
        [option]: `https://user:${password}@issuer.example/x`,
      });
      expect(message).toContain(option);
      expect(message).toContain('credentials');
      expect(message).not.toContain(password);
    },
  );

  it.each([
    ['a user name alone', `https://${password}@issuer.example/x`],
    ['without TLS', `http://user:${password}@issuer.example/x`],
    ['a port that is none', `https://user:${password}@issuer.example:99999/x`],
    ['a password with a slash', `https://user:se/${password}@issuer.example/x`],
    ['no scheme', `user:${password}@issuer.example/x`],
    ['no host', `https://user:${password}@`],
    ['a password in the query, without TLS', `http://issuer.example/x?key=${password}`],
  ])('are not quoted where the address has %s', (_, address) => {
    for (const option of ['issuer', 'jwksUri', 'introspectionEndpoint']) {
      const message = mistakesIn({ ...CLIENT, clientSecret: 'a-secret', [option]: address });
      expect(message).not.toContain(password);
      if (!address.includes('?')) expect(message).toContain(option);
    }
    const resource = mistakesIn({ ...GOOD, resourceMetadata: { resource: address } });
    expect(resource).not.toContain(password);
  });

  it.each(['resourceDocumentation', 'resourcePolicyUri', 'resourceTosUri'])(
    'are refused in resourceMetadata.%s, which is published',
    (member) => {
      const message = mistakesIn({
        ...GOOD,
        resourceMetadata: { resource: 'https://a.example', [member]: `https://u:${password}@a.example` },
      });
      expect(message).toContain('must not have credentials');
      expect(message).not.toContain(password);
    },
  );

  it('are not quoted where issuer and tenantDomain differ', () => {
    const tenantDomain = `https://user:${password}@issuer.example`;
    expect(mistakesIn({ ...GOOD, tenantDomain })).toMatch(/differs from tenantDomain/);
    expect(mistakesIn({ ...GOOD, tenantDomain })).not.toContain(password);
  });
});

describe('secrets of the environment', () => {
  const secret = '  a secret between spaces  ';
  const long = ' a secret of at least 32 characters, and a space ';

  it('keep the spaces around them', () => {
    const variables = { CLIENT_SECRET: secret, CACHE_SECRET: long, DPOP_NONCE: long };
    const options = resolve(CLIENT, variables);
    expect([options.clientSecret, options.cacheSecret, options.dpop.nonce]).toEqual([secret, long, long]);
  });

  it('lose the line breaks around them', () => {
    expect(resolve(CLIENT, { CLIENT_SECRET: `\r\n${secret}\n` }).clientSecret).toBe(secret);
  });

  it('are unset where they are blank', () => {
    expect(mistakesIn(CLIENT, { CLIENT_SECRET: '   ' })).toContain('client_secret_post requires it');
  });

  it('leave other variables trimmed', () => {
    expect(resolve(GOOD, { CLIENT_ID: ' the-api ', CLIENT_SECRET: secret }).clientId).toBe('the-api');
  });
});

describe('the key of private_key_jwt', () => {
  const rsa = generateKeys('rsa', { modulusLength: 2048 }).privateKey;
  const ec = generateKeys('ec', { namedCurve: 'P-256' }).privateKey;
  const ed = generateKeys('ed25519').privateKey;
  const signing = { ...CLIENT, clientAuthMethod: 'private_key_jwt' } as const;

  it.each([
    ['RSA', jwkOf(rsa)],
    ['RSA for PS256', jwkOf(rsa, { alg: 'PS256', kid: 'one', use: 'sig' })],
    ['P-256', jwkOf(ec, { key_ops: ['sign'] })],
    ['Ed25519', jwkOf(ed)],
    ['Ed25519 by its older name', jwkOf(ed, { alg: 'EdDSA' })],
  ])('is accepted: %s', (_, jwk) => {
    expect(mistakesIn({ ...signing, clientSecret: jwk })).toBe('');
    expect(mistakesIn(signing, { CLIENT_SECRET: `\n ${JSON.stringify(jwk)} \n` })).toBe('');
  });

  it.each<[string, ClientKey]>([
    ['the public part alone', { ...jwkOf(rsa), d: undefined } as never],
    ['an RSA key of 1024 bits', jwkOf(generateKeys('rsa', { modulusLength: 1024 }).privateKey)],
    ['a key for encryption', jwkOf(rsa, { use: 'enc' })],
    ['a key that only verifies', jwkOf(rsa, { key_ops: ['verify'] })],
    ['an algorithm of another type', jwkOf(rsa, { alg: 'ES256' })],
    ['an algorithm of another curve', jwkOf(ec, { alg: 'ES384' })],
    ['an algorithm for encryption', jwkOf(rsa, { alg: 'RSA-OAEP' })],
    ['X25519', jwkOf(generateKeys('x25519').privateKey)],
    ['secp256k1', jwkOf(generateKeys('ec', { namedCurve: 'secp256k1' }).privateKey)],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }],
    ['a kid that is no string', jwkOf(rsa, { kid: 7 })],
  ])('is refused: %s', (_, jwk) => {
    expect(mistakesIn({ ...signing, clientSecret: jwk })).toContain(
      `clientSecret (${PREFIX}CLIENT_SECRET): is not a private key as a JWK that can sign`,
    );
  });

  it.each([
    ['cut short', JSON.stringify(jwkOf(rsa)).slice(0, -1)],
    ['of another shape', '{"key":"x"}'],
    ['no JSON', 'a-secret'],
  ])('is refused: JSON in the variable that is %s', (_, text) => {
    const message = mistakesIn(signing, { CLIENT_SECRET: text });
    expect(message).toContain('private_key_jwt requires the private key as a JWK, in JSON');
    expect(message).not.toContain(text);
  });

  it('is refused for a method that takes a string', () => {
    expect(mistakesIn(CLIENT, { CLIENT_SECRET: JSON.stringify(jwkOf(ec)) })).toContain('is a JWK');
  });

  it('leaves a secret that begins with a brace as it is', () => {
    for (const secret of ['{curly', '{"a":1}'])
      expect(resolve(CLIENT, { CLIENT_SECRET: secret }).clientSecret).toBe(secret);
  });
});

describe('a shared cache', () => {
  const cache = { get: () => undefined, set: () => undefined, delete: () => undefined };
  const byTls = { ...CLIENT, clientAuthMethod: 'tls_client_auth', fetcher: fetch, cache } as const;
  const needsSecret = `cacheSecret (${PREFIX}CACHE_SECRET): cache requires it`;

  it('is refused without a secret: TLS client authentication by a fetcher', () => {
    expect(mistakesIn(byTls)).toContain(needsSecret);
  });

  it.each<[string, AuthModuleOptions]>([
    ['cacheSecret', { ...byTls, cacheSecret: 'a-secret-of-32-characters-or-more' }],
    ['clientCertificateKey', { ...byTls, clientCertificateKey: '-----BEGIN PRIVATE KEY-----' }],
    ['clientSecret', { ...CLIENT, cache, clientSecret: 'a-secret' }],
  ])('is accepted with %s', (_, options) => {
    expect(mistakesIn(options)).toBe('');
  });

  it('is accepted without a secret where nothing is put into it', () => {
    expect(mistakesIn({ ...GOOD, cache })).toBe('');
  });

  it('needs a secret of at least 32 characters, which is not quoted', () => {
    const message = mistakesIn({ ...byTls, cacheSecret: 'too-short-for-a-secret' });
    expect(message).toContain('cacheSecret (MONOCLOUD_BACKEND_CACHE_SECRET): is a secret of at least 32');
    expect(message).not.toContain('too-short');
  });
});
