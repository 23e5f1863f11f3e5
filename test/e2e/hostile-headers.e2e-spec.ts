/** Is the Authorization header well formed, and meant for us? RFC 6750 sections 2.1 and 3.1, RFC 9110 sections 11.1 and 11.4. */
import { afterAll, describe, expect, it } from '@jest/globals';
import { PLATFORMS } from '../support/app.js';
import { openGate, PATHS, refusals } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import {
  authorization,
  expectPresentationRefused,
  FORM,
  present,
  withBody,
  type Presentation,
} from '../support/presentation.js';

const issuer = await Issuer.start();
afterAll(() => issuer.close());

const MALFORMED = 'the Authorization header is not "Bearer", one space, one token';

/** 401 invalid_token: Bearer is meant, and no token can be read. */
const MALFORMED_HEADERS: readonly Presentation[] = [
  { name: 'the scheme alone', headers: authorization(() => 'Bearer'), reason: MALFORMED },
  { name: 'the scheme and spaces', headers: authorization(() => 'Bearer    '), reason: MALFORMED },
  { name: 'the scheme in lower case, alone', headers: authorization(() => 'bearer'), reason: MALFORMED },
  { name: 'two tokens', headers: authorization((one, two) => `Bearer ${one} ${two}`), reason: MALFORMED },
  {
    name: 'the scheme twice',
    headers: authorization((token) => `Bearer Bearer ${token}`),
    reason: MALFORMED,
  },
  {
    name: 'a parameter behind it',
    headers: authorization((token) => `Bearer ${token} realm="x"`),
    reason: MALFORMED,
  },
  {
    name: 'a tab instead of the space',
    headers: authorization((token) => `Bearer\t${token}`),
    reason: MALFORMED,
  },
  { name: 'a tab behind the space', headers: authorization((token) => `Bearer \t${token}`), reason: 'not' },
  {
    name: 'an equals sign instead of the space',
    headers: authorization((token) => `Bearer=${token}`),
    reason: MALFORMED,
  },
  {
    name: 'a colon instead of the space',
    headers: authorization((token) => `Bearer:${token}`),
    reason: MALFORMED,
  },
  {
    name: 'a colon behind the scheme',
    headers: authorization((token) => `Bearer: ${token}`),
    reason: MALFORMED,
  },
  {
    name: 'a no-break space instead of the space',
    headers: authorization((token) => `Bearer\u00a0${token}`),
    reason: MALFORMED,
  },
  {
    name: 'a no-break space behind the space',
    headers: authorization((token) => `Bearer \u00a0${token}`),
    reason: 'is not base64url',
  },
  {
    name: 'quotes',
    headers: authorization((token) => `Bearer "${token}"`),
    reason: 'is not base64url',
  },
  {
    name: 'angle brackets',
    headers: authorization((token) => `Bearer <${token}>`),
    reason: 'is not base64url',
  },
  {
    name: 'a parameter',
    headers: authorization((token) => `Bearer token=${token}`),
    reason: 'is not base64url',
  },
  {
    name: 'percent-encoding',
    headers: authorization((token) => `Bearer ${token.replaceAll('.', '%2E')}`),
    reason: 'not a JWT',
  },
  {
    name: 'a letter with an accent',
    headers: authorization((token) => `Bearer é${token}`),
    reason: 'is not base64url',
  },
  {
    name: 'UTF-8',
    headers: authorization(() => `Bearer ${Buffer.from('żółw').toString('latin1')}`),
    reason: 'not a JWT',
  },
  { name: 'undefined', headers: authorization(() => 'Bearer undefined'), reason: 'not a JWT' },
  { name: 'null', headers: authorization(() => 'Bearer null'), reason: 'not a JWT' },
  { name: 'an object', headers: authorization(() => 'Bearer [object Object]'), reason: MALFORMED },
  {
    name: 'Basic credentials',
    headers: authorization(() => 'Bearer dXNlcjpwYXNzd29yZA=='),
    reason: 'not a JWT',
  },
];

/** 401 without an error code: no token that this API knows how to take (RFC 6750 section 3.1). */
const NO_TOKEN: readonly Omit<Presentation, 'reason'>[] = [
  { name: 'no header', headers: () => [] },
  { name: 'an empty header', headers: authorization(() => '') },
  { name: 'Basic', headers: authorization(() => 'Basic dXNlcjpwYXNzd29yZA==') },
  { name: 'Basic with a token', headers: authorization((token) => `Basic ${token}`) },
  { name: 'Digest', headers: authorization(() => 'Digest username="x", nonce="y"') },
  { name: 'Negotiate', headers: authorization((token) => `Negotiate ${token}`) },
  { name: 'JWT', headers: authorization((token) => `JWT ${token}`) },
  { name: 'Token', headers: authorization((token) => `Token ${token}`) },
  { name: 'a scheme that begins alike', headers: authorization((token) => `BearerX ${token}`) },
  { name: 'a scheme that ends alike', headers: authorization((token) => `XBearer ${token}`) },
  { name: 'a token without a scheme', headers: authorization((token) => token) },
  { name: '__proto__', headers: authorization((token) => `__proto__ ${token}`) },
  { name: 'a query only', headers: () => [], query: '?access_token=@' },
  { name: 'a form only', headers: () => [['Content-Type', FORM]], body: 'access_token=@' },
  {
    name: 'a cookie only',
    headers: (token) => [['Cookie', `access_token=${token}; Authorization=Bearer ${token}`]],
  },
  { name: 'a header of another name', headers: (token) => [['X-Authorization', `Bearer ${token}`]] },
  { name: 'the header for a proxy', headers: (token) => [['Proxy-Authorization', `Bearer ${token}`]] },
  { name: 'a header named with an underscore', headers: (token) => [['Authorization_', `Bearer ${token}`]] },
];

/** 200: everything that the grammar allows. */
const GOOD: readonly Omit<Presentation, 'reason'>[] = [
  { name: 'Bearer', headers: authorization((token) => `Bearer ${token}`) },
  { name: 'bearer', headers: authorization((token) => `bearer ${token}`) },
  { name: 'BEARER', headers: authorization((token) => `BEARER ${token}`) },
  { name: 'bEaReR', headers: authorization((token) => `bEaReR ${token}`) },
  { name: 'several spaces (1*SP)', headers: authorization((token) => `Bearer    ${token}`) },
  { name: 'white space around the value', headers: authorization((token) => ` \t Bearer ${token} \t `) },
  { name: 'the name in capitals', headers: (token) => [['AUTHORIZATION', `Bearer ${token}`]] },
  {
    name: 'a query with another parameter',
    headers: authorization((token) => `Bearer ${token}`),
    query: '?access_tokens=1&token=2',
  },
  { name: 'a form with another field', headers: withBody(FORM), body: 'token=1' },
  {
    name: 'JSON with a member of that name',
    headers: withBody('application/json'),
    body: '{"access_token":"1"}',
  },
  {
    name: 'a cookie as well',
    headers: (token) => [
      ['Authorization', `Bearer ${token}`],
      ['Cookie', 'access_token=1'],
    ],
  },
];

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer);

  it.each(MALFORMED_HEADERS)('refuses a Bearer header: $name', (row) =>
    expectPresentationRefused(gate, issuer, row, [401, 'invalid_token', 'unauthorized']),
  );

  it.each(NO_TOKEN)('sees no token: $name', async (row) => {
    const asked = issuer.server.requests.length;
    const answer = await present(gate, issuer, '/guarded', row);
    expect(answer).toMatchObject({ status: 401, body: { statusCode: 401, message: 'unauthorized' } });
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(refusals()).toEqual([{ outcome: '401 missing_token', reason: 'No access token was sent' }]);

    const anonymous = await present(gate, issuer, '/optional', row);
    expect(anonymous).toMatchObject({ status: 200, body: { anonymous: true } });
    expect(issuer.server.requests.slice(asked)).toEqual([]);
  });

  it.each(GOOD)('accepts: $name', async (row) => {
    for (const path of PATHS) {
      const answer = await present(gate, issuer, path, row);
      expect(answer).toMatchObject({ status: 200, body: { sub: 'user-1' } });
    }
  });
});
