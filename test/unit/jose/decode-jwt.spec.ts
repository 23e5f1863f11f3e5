/** What the parts of a JWT say, before anybody vouches for them. RFC 7515 section 7.1. */
import { describe, expect, it } from '@jest/globals';
import { TokenError } from '../../../lib/errors/auth.errors.js';
import { decodeJwt, isJwt, type DecodedJwt } from '../../../lib/jose/decode-jwt.js';
import { encode } from '../../support/tokens.js';

const HEADER = encode({ alg: 'ES256' });
const CLAIMS = encode({ sub: 'ann' });

/** The detail of the refusal, or what was read. */
function decode(token: string): DecodedJwt | string | undefined {
  try {
    return decodeJwt(token);
  } catch (error) {
    if (!(error instanceof TokenError) || error.reason !== 'malformed') throw error;
    return error.detail;
  }
}

describe('isJwt', () => {
  it.each([
    ['a.b.c', true],
    ['..', true],
    ['a..', true],
    ['.b.c', true],
    ['', false],
    ['a', false],
    ['a.', false],
    ['.', false],
    ['a.b', false],
    ['a.b.c.', false],
    ['a.b.c.d', false],
    ['...', false],
    ['a.b.c.d.e', false],
  ])('%j: %p', (token, is) => {
    expect(isJwt(token)).toBe(is);
  });
});

describe('decodeJwt', () => {
  it('reads the parts', () => {
    const token = `${HEADER}.${CLAIMS}.AQID`;
    expect(decode(token)).toEqual({
      token,
      header: { alg: 'ES256' },
      claims: { sub: 'ann' },
      signed: `${HEADER}.${CLAIMS}`,
      signature: Buffer.from([1, 2, 3]),
    });
  });

  it('reads an empty signature: whoever verifies it refuses it', () => {
    expect(decode(`${HEADER}.${CLAIMS}.`)).toMatchObject({ signature: Buffer.alloc(0) });
  });

  it.each([
    ['two parts', `${HEADER}.${CLAIMS}`, 'the token does not have three parts'],
    ['four parts', `${HEADER}.${CLAIMS}.AQID.AQID`, 'the token does not have three parts'],
    ['no header', `.${CLAIMS}.AQID`, 'the header is empty'],
    ['no payload', `${HEADER}..AQID`, 'the payload is empty'],
    ['a header with padding', `${encode('{"a":1}')}=.${CLAIMS}.AQID`, 'the header is not base64url'],
    ['a payload with a space', `${HEADER}. ${CLAIMS}.AQID`, 'the payload is not base64url'],
    ['a signature of base64', `${HEADER}.${CLAIMS}.+/+/`, 'the signature is not base64url'],
    ['a signature with spare bits', `${HEADER}.${CLAIMS}.AR`, 'the signature is not base64url'],
    ['a header that is text', `${encode('ES256')}.${CLAIMS}.AQID`, 'the header is not JSON'],
    ['a payload that is a list', `${HEADER}.${encode([])}.AQID`, 'the payload is not an object'],
  ])('refuses %s', (_, token, fault) => {
    expect(decode(token)).toBe(fault);
  });

  it('reads up to 65,536 characters', () => {
    const start = `${HEADER}.${CLAIMS}.`;
    const longest = start + 'A'.repeat(65_536 - start.length);
    // The length of a signature is looked at where it is verified; here it must only be base64url.
    expect([1, 2, 3].map((over) => decode(`${longest}${'A'.repeat(over)}`))).toEqual(
      Array.from({ length: 3 }, () => 'the token is longer than 65536 characters'),
    );
    expect(decode(longest)).toMatchObject({ header: { alg: 'ES256' }, claims: { sub: 'ann' } });
  });

  it('reads up to 512 members and 2,000 commas in each part', () => {
    const members = (count: number): string =>
      encode(Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, 1])));
    const list = (count: number): string => encode({ x: Array.from({ length: count }, () => 1) });
    for (const part of [members(512), list(2_001)]) {
      expect(decode(`${HEADER}.${part}.AQID`)).toMatchObject({ signed: `${HEADER}.${part}` });
      expect(decode(`${part}.${CLAIMS}.AQID`)).toMatchObject({ signed: `${part}.${CLAIMS}` });
    }
    const tooMany = 'is nested too deep, or has more than 512 members';
    expect(decode(`${HEADER}.${members(513)}.AQID`)).toBe(`the payload ${tooMany}`);
    expect(decode(`${members(513)}.${CLAIMS}.AQID`)).toBe(`the header ${tooMany}`);
    expect(decode(`${HEADER}.${list(2_002)}.AQID`)).toBe('the payload has more than 2000 values');
  });

  const headerOf = (header: string): unknown => decodeJwt(`${header}.${CLAIMS}.AQID`).header;

  it('reads a header once, and lets nobody change it', () => {
    const header = headerOf(HEADER);
    expect(headerOf(HEADER)).toBe(header);
    expect(Object.isFrozen(header)).toBe(true);
    expect(headerOf(encode({ alg: 'ES384' }))).toEqual({ alg: 'ES384' });
  });

  it('remembers headers of at most 512 characters', () => {
    const of = (length: number): string => {
      const text = JSON.stringify({ x: '' });
      return encode(JSON.stringify({ x: 'x'.repeat((length / 4) * 3 - text.length) }));
    };
    const [longest, longer] = [of(512), of(516)];
    expect([longest.length, longer.length]).toEqual([512, 516]);
    expect(headerOf(longest)).toBe(headerOf(longest));
    expect(headerOf(longer)).not.toBe(headerOf(longer));
    expect(headerOf(longer)).toEqual(headerOf(longer));
    expect(Object.isFrozen(headerOf(longer))).toBe(true);
  });

  it('holds a hundred headers', () => {
    const first = headerOf(encode({ n: 0 }));
    for (let n = 1; n < 100; n++) headerOf(encode({ n }));
    expect(headerOf(encode({ n: 0 }))).toBe(first);
    for (let n = 100; n < 200; n++) headerOf(encode({ n }));
    expect(headerOf(encode({ n: 0 }))).not.toBe(first);
  });
});
