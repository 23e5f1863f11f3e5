/** The JWT access token of RFC 9068 section 3, signed with a key of ours: the RFC shows none. */
import { setClock } from '../support/clock.js';
import { makeKey, signToken } from '../support/tokens.js';
import { judgeAccessToken, type Jwk } from './check-vector.js';
import { readVectors } from './read-vectors.js';

interface Example {
  readonly header: { readonly typ: string; readonly alg: string; readonly kid: string };
  readonly claims: {
    readonly iss: string;
    readonly aud: string;
    readonly iat: number;
    readonly exp: number;
    readonly [claim: string]: unknown;
  };
}

const { header, claims } = readVectors('rfc/rfc9068.json') as Example;
const key = makeKey(header.alg, header.kid);
const token = signToken(key, claims, { headerText: JSON.stringify(header) });
const api = { issuer: claims.iss, audience: claims.aud };

describe('RFC 9068 section 3', () => {
  it.each([
    ['when it is issued', claims.iat],
    ['a second before it expires', claims.exp - 1],
  ])('is accepted %s', async (_, now) => {
    setClock(now);
    expect(await judgeAccessToken(token, [key.jwk as Jwk], api)).toBeUndefined();
  });

  it.each([
    ['when it has expired', claims.exp, api, /^the token expired/],
    ['before it is issued', claims.iat - 10, api, /^iat is 10 s in the future/],
    [
      'for another API',
      claims.iat,
      { ...api, audience: 'https://rs.example.com' },
      /^aud is .*trailing slash$/,
    ],
    [
      'from another issuer',
      claims.iat,
      { ...api, issuer: claims.iss.slice(0, -1) },
      /^iss is .*trailing slash$/,
    ],
  ])('is refused %s', async (_, now, expected, detail) => {
    setClock(now);
    expect(await judgeAccessToken(token, [key.jwk as Jwk], expected)).toMatch(detail);
  });

  it('is refused as an ID token would be: typ JWT where at+jwt is asked for', async () => {
    setClock(claims.iat);
    const other = signToken(key, claims, { header: { typ: 'JWT' } });
    expect(await judgeAccessToken(other, [key.jwk as Jwk], api)).toMatch(/^typ is "JWT"/);
  });
});
