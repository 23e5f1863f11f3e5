/** Are these three parts in base64url, and nothing else? RFC 7515 sections 2, 5.2 and 7.1, RFC 4648 sections 3.5 and 5. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { CompactEncrypt } from 'jose';
import { PLATFORMS } from '../support/app.js';
import { openGate, type HostileToken } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import { seal, withPart } from '../support/spoil.js';
import { encode, makeKey } from '../support/tokens.js';

const EC = makeKey('ES256', 'ec');
const ENCRYPTION = makeKey('RS256', 'encryption', { alg: 'RSA-OAEP-256', use: 'enc' });

const issuer = await Issuer.start({}, EC);
issuer.server.keys.push(ENCRYPTION.jwk);
afterAll(() => issuer.close());

const PARTS = ['header', 'payload', 'signature'] as const;
const header = (): Record<string, unknown> => ({ alg: EC.alg, typ: 'at+jwt', kid: EC.kid });

/** Its first two parts have spare bits and characters of base64url's own; so has the signature, most times. */
function tellingToken(): string {
  const spare = (value: unknown): string => {
    const text = JSON.stringify(value);
    return text + ' '.repeat((4 - (text.length % 3)) % 3);
  };
  const parts = {
    headerText: spare({ ...header(), x: '?????' }),
    payloadText: spare({ ...issuer.claims(), x: '?????' }),
  };
  for (;;) {
    const token = issuer.token(parts);
    if (token.split('.').every((part) => part.length % 4 !== 0 && /[-_]/.test(part))) return token;
  }
}

/** The last character's spare bits set: it decodes to the same bytes. */
function withSpareBits(part: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
}

const middle = (part: string, inserted: string): string => part.slice(0, 10) + inserted + part.slice(10);

const RESPELLED: readonly (readonly [name: string, respell: (part: string) => string])[] = [
  ['padding', (part) => part + '='.repeat(4 - (part.length % 4))],
  ['padding that is percent-encoded', (part) => `${part}%3D`],
  ['the standard alphabet', (part) => part.replaceAll('-', '+').replaceAll('_', '/')],
  ['spare bits that are set', withSpareBits],
  ['a space within', (part) => middle(part, ' ')],
  ['a line break within', (part) => middle(part, '\r\n')],
  ['a space in front', (part) => ` ${part}`],
  ['a line break behind', (part) => `${part}\n`],
  ['a NUL within', (part) => middle(part, '\u0000')],
  ['a byte order mark in front', (part) => `\ufeff${part}`],
  ['a character of no width within', (part) => middle(part, '\u200b')],
  ['an exclamation mark within', (part) => middle(part, '!')],
  ['one character too many', (part) => `${part}${'A'.repeat(5 - (part.length % 4))}`],
  ['nothing in it', () => ''],
];

/** As sent; and, since a signature covers the text and not the bytes, also with a good signature over that text. */
const BASE64: readonly HostileToken[] = RESPELLED.flatMap(([name, respell]) => [
  ...PARTS.map((part, index) => ({
    name: `${name}: ${part}`,
    token: () => withPart(tellingToken(), index as 0 | 1 | 2, respell),
    reason: name === 'nothing in it' ? `the ${part} is empty` : `the ${part} is not base64url`,
  })),
  ...([0, 1] as const).map((index) => ({
    name: `${name}: ${PARTS[index]}, signed so`,
    token: () => {
      const [first = '', second = ''] = withPart(tellingToken(), index, respell).split('.');
      return seal(EC, first, second);
    },
    reason:
      name === 'nothing in it' ? `the ${PARTS[index]} is empty` : `the ${PARTS[index]} is not base64url`,
  })),
]);

const LARGE: readonly HostileToken[] = [
  {
    name: '64 KiB and one character',
    token: () => tokenOfLength(65_537),
    reason: 'the token is longer than 65536 characters',
  },
  { name: 'half a megabyte of one part', token: () => 'A'.repeat(500_000), reason: 'not a JWT' },
  { name: 'a hundred thousand dots', token: () => '.'.repeat(100_000), reason: 'not a JWT' },
];

/** Base64url has no text of 4n + 1 characters: what the payload cannot fill up, the header does. */
function tokenOfLength(length: number): string {
  for (const x of ['', '1', '12', '123']) {
    const bare = issuer.token({ header: { x }, claims: { x: '' } });
    for (let fill = 0; fill < 4; fill++) {
      const text = 'x'.repeat(Math.floor(((length - bare.length) * 3) / 4) + fill - 1);
      const token = issuer.token({ header: { x }, claims: { x: text } });
      if (token.length === length) return token;
    }
  }
  throw new Error(`no token of ${length} characters`);
}

function serialized(form: 'flattened' | 'general'): string {
  const [protectedHeader, payload, signature] = issuer.token().split('.');
  return JSON.stringify(
    form === 'flattened'
      ? { payload, protected: protectedHeader, signature }
      : { payload, signatures: [{ protected: protectedHeader, signature }] },
  );
}

const encrypt = (plaintext: string): Promise<string> =>
  new CompactEncrypt(Buffer.from(plaintext))
    .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: ENCRYPTION.kid, cty: 'JWT' })
    .encrypt(ENCRYPTION.publicKey);

const NOT_COMPACT: readonly HostileToken[] = [
  {
    name: 'a JWE of good claims',
    token: () => encrypt(JSON.stringify(issuer.claims())),
    reason: 'not a JWT',
  },
  { name: 'a JWE of a good token', token: () => encrypt(issuer.token()), reason: 'not a JWT' },
  { name: 'the JSON serialization, flattened', token: () => serialized('flattened'), reason: 'not a JWT' },
  { name: 'the JSON serialization, general', token: () => serialized('general'), reason: 'not a JWT' },
  { name: 'one part', token: () => encode(issuer.claims()), reason: 'not a JWT' },
  { name: 'a part behind it', token: () => `${issuer.token()}.x`, reason: 'not a JWT' },
  { name: 'a dot behind it', token: () => `${issuer.token()}.`, reason: 'not a JWT' },
  { name: 'a dot in front', token: () => `.${issuer.token()}`, reason: 'not a JWT' },
  { name: 'other dots', token: () => issuer.token().replaceAll('.', '\u3002'), reason: 'not a JWT' },
  { name: 'two good ones', token: () => `${issuer.token()} ${issuer.token()}`, reason: 'not a JWT' },
  { name: 'three empty parts', token: () => '..', reason: 'is empty' },
  { name: 'three spaces', token: () => ' . . ', reason: 'is not base64url' },
];

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer, { tokenInBody: true });

  it.each([...BASE64, ...LARGE, ...NOT_COMPACT])('refuses: $name', gate.refuses);

  it.each([
    ['spare bits that are not set', () => tellingToken()],
    ['65536 characters', () => tokenOfLength(65_536)],
  ])('accepts %s', async (_, token) => {
    expect(await gate.present(token())).toMatchObject({ status: 200, body: { sub: 'user-1' } });
  });
});
