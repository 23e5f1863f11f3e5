/**
 * Encrypts and authenticates claims for a cache that other programs can read and write (AES-256-GCM).
 *
 * The key of each value is derived from the token and from a secret that all instances share. Readers of the cache learn
 * nothing, and writers cannot forge claims: a value that was changed, moved to another cache key or written without the
 * secret cannot be decrypted.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import type { ClientOptions } from '../issuer/client-authentication.js';
import type { ProviderClientOptions } from '../issuer/provider-client.js';
import type { CacheOptions } from './shared-cache.js';

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Returns a secret that only the instances of this API have; `undefined` if there is none. */
export function cacheSecretOf({
  cacheSecret,
  clientSecret,
  clientCertificateKey,
}: Pick<CacheOptions, 'cacheSecret'> &
  Pick<ClientOptions, 'clientSecret'> &
  Pick<ProviderClientOptions, 'clientCertificateKey'>): string | undefined {
  const ownSecret = typeof clientSecret === 'string' ? clientSecret : clientSecret?.d;
  return cacheSecret ?? ownSecret ?? clientCertificateKey;
}

export class Sealer {
  readonly #secret: Buffer;

  /**
   * @param secret shared by the instances
   * @throws {TypeError} for an empty secret, with which anyone could forge values
   */
  constructor(secret: string) {
    if (secret === '') throw new TypeError('the shared cache needs a secret');
    this.#secret = createHash('sha256').update('nestjs-resource-server claims cache').update(secret).digest();
  }

  /** Returns a name for the text that cannot be computed without the secret. */
  nameOf(text: string): string {
    return createHmac('sha256', this.#secret).update('name').update(text).digest('base64url');
  }

  seal(text: string, token: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keyFor(token), nonce).setAAD(
      Buffer.from(VERSION + place),
    );
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}.${sealed.toString('base64url')}`;
  }

  /** Decrypts a value. Returns `undefined` unless it was sealed with this secret, for this token and this cache key. */
  open(value: unknown, token: string, place: string): string | undefined {
    if (typeof value !== 'string' || !value.startsWith(`${VERSION}.`)) return undefined;
    const sealed = Buffer.from(value.slice(VERSION.length + 1), 'base64url');
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = sealed.subarray(0, NONCE_BYTES);
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#keyFor(token), nonce, {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(VERSION + place))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      const text = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString('utf8');
    } catch {
      return undefined;
    }
  }

  #keyFor(token: string): Buffer {
    return createHmac('sha256', this.#secret).update('key').update(token).digest();
  }
}
