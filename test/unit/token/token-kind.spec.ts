/** Which members say that a token is no access token, in which spellings, and what they may say. */
import { checkTokenKind } from '../../../lib/token/token-kind.js';

const refuses = (claims: Record<string, unknown>): boolean => {
  try {
    checkTokenKind(claims);
    return false;
  } catch {
    return true;
  }
};

const REFRESH = [
  'refresh_token',
  'refresh-token',
  'refreshToken',
  'REFRESH_TOKEN',
  'Refresh token',
  'urn:ietf:params:oauth:token-type:refresh_token',
  'urn:example:refresh_token',
  ['refresh_token'],
  ['access_token', 'refresh_token'],
];

describe.each([
  'token_type',
  'token_use',
  'token_usage',
  'tok_type',
  'tokenType',
  'tokenName',
  'typ',
  'purpose',
  'type',
])('%s', (member) => {
  it.each([
    ...REFRESH,
    'refresh',
    'id_token',
    'ID-Token',
    'urn:ietf:params:oauth:token-type:id_token',
    'urn:ietf:params:oauth:token-type:id',
    'urn:ietf:params:oauth:token-type:refresh',
    'urn:ietf:params:oauth:token-type:saml2',
    'urn:ietf:params:oauth:token-type:id-jag',
    'URN:IETF:params:oauth:Token-Type:SAML2',
    ['urn:ietf:params:oauth:token-type:id'],
  ])('%j is refused', (value) => expect(refuses({ [member]: value })).toBe(true));

  it.each([
    'access_token',
    'access-token',
    'ACCESS_TOKEN',
    'urn:ietf:params:oauth:token-type:access_token',
    'urn:ietf:params:oauth:token-type:access',
    undefined,
    null,
    '',
  ])('%j is not', (value) => expect(refuses({ [member]: value })).toBe(false));
});

it.each<[Record<string, unknown>]>([
  [{ typ: 'Refresh' }],
  [{ typ: 'Offline' }],
  [{ typ: 'ID' }],
  [{ typ: 'Logout' }],
  [{ typ: 'Serialized-ID' }],
  [{ token_use: 'id' }],
  [{ token_use: 'authorization_code' }],
  [{ token_usage: 'device_code' }],
  [{ tok_type: 'IT' }],
  [{ tok_type: 'RT' }],
  [{ token_type: 'urn:ietf:params:oauth:token-type:saml2' }],
  [{ token_type: 'urn:ietf:params:oauth:token-type:txn_token' }],
  [{ token_use: 'tokenaccess' }],
  [{ token_type: [...Array.from({ length: 15 }, () => 'Bearer'), 'refresh_token'] }],
  [{ token_type: `${'x'.repeat(186)}:refresh_token` }],
  // One mark is enough.
  [{ token_type: 'Bearer', token_use: 'refresh_token' }],
])('%j is refused', (claims) => {
  expect(refuses(claims)).toBe(true);
});

it.each<[Record<string, unknown>]>([
  [{ token_type: 'Bearer' }],
  [{ token_type: 'DPoP' }],
  [{ token_type: 'urn:ietf:params:oauth:token-type:jwt' }],
  [{ token_type: 7 }],
  [{ tokenType: 'Bearer' }],
  [{ typ: 'Bearer' }],
  [{ typ: 'DPoP' }],
  [{ typ: 'JWT' }],
  [{ token_use: 'access' }],
  [{ tok_type: 'AT' }],
  [{ token_type: 'no-urn:ietf:params:oauth:token-type:saml2' }],
  // Longer lists and texts name no kind.
  [{ token_type: [...Array.from({ length: 16 }, () => 'Bearer'), 'refresh_token'] }],
  [{ token_type: `${'x'.repeat(187)}:refresh_token` }],
  [{ type: 'id' }],
  [{ type: 'user' }],
  [{ type: 'tokens:id' }],
  [{ type: 'urn:example:id' }],
  [{ type: 'urn:ietf:params:oauth:token-type:jwt' }],
  [{ purpose: 'identity' }],
  [{ purpose: 'no-urn:ietf:params:oauth:token-type:saml2' }],
  [{}],
])('%j is not', (claims) => {
  expect(refuses(claims)).toBe(false);
});
