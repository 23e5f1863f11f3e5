/** Somebody with a server and a key of their own, and a certificate for it. */
import { sign } from 'node:crypto';
import { AuthorizationServer } from './authorization-server.js';
import { makeKey, type SigningKey } from './tokens.js';

export class Attacker {
  private constructor(
    /** A complete authorization server: metadata, keys. Nobody may ever ask it. */
    readonly server: AuthorizationServer,
    readonly key: SigningKey,
  ) {}

  static async start(key = makeKey('ES256', 'attacker')): Promise<Attacker> {
    const attacker = new Attacker(await AuthorizationServer.start(), key);
    attacker.server.keys = [key.jwk];
    return attacker;
  }

  get jwksUri(): string {
    return `${this.server.origin}/jwks`;
  }

  /** The public key in a self-signed certificate, in DER. */
  get certificate(): Buffer {
    return selfSignedCertificate(this.key);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

/** RFC 5280 section 4.1, version 1, for a key on P-256. */
function selfSignedCertificate({ privateKey, publicKey }: SigningKey): Buffer {
  const ecdsaWithSha256 = der(0x30, Buffer.from('06082a8648ce3d040302', 'hex'));
  const commonName = der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('attacker')));
  const name = der(0x30, der(0x31, commonName));
  const validity = der(
    0x30,
    der(0x17, Buffer.from('200101000000Z')),
    der(0x17, Buffer.from('491231235959Z')),
  );
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const serial = der(0x02, Buffer.from([1]));
  const body = der(0x30, serial, ecdsaWithSha256, name, validity, name, publicKeyInfo);
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  return der(0x30, body, ecdsaWithSha256, signature);
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
