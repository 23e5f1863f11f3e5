/** Is there one token, sent once and in one way? RFC 6750 section 2, RFC 9110 section 5.3. */
import { afterAll, describe, it } from '@jest/globals';
import { PLATFORMS } from '../support/app.js';
import { openGate } from '../support/gate.js';
import { Issuer } from '../support/issuer.js';
import {
  authorization,
  expectPresentationRefused,
  FORM,
  withBody,
  type Presentation,
} from '../support/presentation.js';

const issuer = await Issuer.start();
afterAll(() => issuer.close());

const bearer = (token: string): string => `Bearer ${token}`;
const another = (_: string, other: string): string => `Bearer ${other}`;
const basic = (): string => 'Basic dXNlcjpwYXNzd29yZA==';

const REPEATED = 'two Authorization headers';
const LIST = 'the Authorization header is a list';
const BESIDE = 'access_token is sent in addition to the Authorization header';

/** 400: more than one token, or more than one way. */
const TWO_TOKENS: readonly Presentation[] = [
  { name: 'two headers, two tokens', headers: authorization(bearer, another), reason: REPEATED },
  { name: 'two headers, one token', headers: authorization(bearer, bearer), reason: REPEATED },
  { name: 'two headers, Basic first', headers: authorization(basic, bearer), reason: REPEATED },
  { name: 'two headers, Basic last', headers: authorization(bearer, basic), reason: REPEATED },
  { name: 'two headers, the first one empty', headers: authorization(() => '', bearer), reason: REPEATED },
  { name: 'two headers, the last one empty', headers: authorization(bearer, () => ''), reason: REPEATED },
  {
    name: 'two headers, the first one garbage',
    headers: authorization(() => '\t=', bearer),
    reason: REPEATED,
  },
  { name: 'three headers', headers: authorization(bearer, bearer, bearer), reason: REPEATED },
  {
    name: 'two headers in different case',
    headers: (token) => [
      ['AUTHORIZATION', `Bearer ${token}`],
      ['authorization', `Bearer ${token}`],
    ],
    reason: REPEATED,
  },
  {
    name: 'two headers, far apart',
    headers: (token) => [
      ['Authorization', `Bearer ${token}`],
      ['X-Between', '1'],
      ['Authorization', 'Bearer x'],
    ],
    reason: REPEATED,
  },
  {
    name: 'a list of two',
    headers: authorization((one, two) => `Bearer ${one}, Bearer ${two}`),
    reason: LIST,
  },
  {
    name: 'a list without spaces',
    headers: authorization((one, two) => `Bearer ${one},Bearer ${two}`),
    reason: LIST,
  },
  {
    name: 'a list with Basic behind',
    headers: authorization((token) => `Bearer ${token}, ${basic()}`),
    reason: LIST,
  },
  { name: 'a list of tokens', headers: authorization((one, two) => `Bearer ${one},${two}`), reason: LIST },
  { name: 'a list of one and nothing', headers: authorization((token) => `Bearer ${token},`), reason: LIST },
  {
    name: 'a list of the scheme and a token',
    headers: authorization((token) => `Bearer, ${token}`),
    reason: LIST,
  },
  { name: 'a query as well', headers: authorization(bearer), query: '?access_token=@', reason: BESIDE },
  { name: 'an empty query as well', headers: authorization(bearer), query: '?access_token=', reason: BESIDE },
  {
    name: 'a query without a value as well',
    headers: authorization(bearer),
    query: '?access_token',
    reason: BESIDE,
  },
  {
    name: 'an escaped query as well',
    headers: authorization(bearer),
    query: '?access%5Ftoken=@',
    reason: BESIDE,
  },
  {
    name: 'a query with two as well',
    headers: authorization(bearer),
    query: '?access_token=1&access_token=2',
    reason: BESIDE,
  },
  { name: 'a form as well', headers: withBody(FORM), body: 'access_token=@', reason: BESIDE },
  {
    name: 'a form with two as well',
    headers: withBody(FORM),
    body: 'access_token=1&access_token=2',
    reason: BESIDE,
  },
  { name: 'an empty form field as well', headers: withBody(FORM), body: 'a=1&access_token=', reason: BESIDE },
  {
    name: 'a form with a charset as well',
    headers: withBody(`${FORM};charset=UTF-8`),
    body: 'access_token=@',
    reason: BESIDE,
  },
  {
    name: 'a form in capitals as well',
    headers: withBody(FORM.toUpperCase()),
    body: 'access_token=@',
    reason: BESIDE,
  },
];

describe.each(PLATFORMS)('%s', (platform) => {
  const gate = openGate(platform, issuer);

  it.each(TWO_TOKENS)('refuses: $name', (row) =>
    expectPresentationRefused(gate, issuer, row, [400, 'invalid_request', 'bad request']),
  );
});
