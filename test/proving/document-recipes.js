/** What a provider may send for a key set, for discovery and for introspection: good documents with spoilt members. */
import * as fc from 'fast-check';
import { strange, text, tokenRecipe } from './token-recipes.js';

const JWK_MEMBERS = [
  'kty',
  'crv',
  'x',
  'y',
  'n',
  'e',
  'd',
  'k',
  'kid',
  'alg',
  'use',
  'key_ops',
  'ext',
  'x5c',
];

const member = fc.tuple(
  fc.constantFrom(...JWK_MEMBERS),
  fc.oneof(
    strange,
    fc.constantFrom(
      'sig',
      'enc',
      'RSA',
      'EC',
      'oct',
      'OKP',
      'P-256',
      'RS256',
      'HS256',
      ['verify'],
      ['encrypt'],
      'AQAB',
      'AA',
    ),
  ),
);

const entry = fc.oneof(
  { weight: 4, arbitrary: fc.record({ key: fc.nat(3) }) },
  {
    weight: 3,
    arbitrary: fc.record({ key: fc.nat(3), members: fc.array(member, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ secret: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ value: fc.jsonValue({ maxDepth: 2 }) }) },
);

/** How the whole is written: mostly as it should be. */
const shape = fc.oneof(
  { weight: 9, arbitrary: fc.constant('plain') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'array',
      'null',
      'string',
      'cut',
      'bom',
      'html',
      'empty',
      'twice',
      'latin1',
      'padded',
    ),
  },
);

export const keySetRecipe = fc.record({ entries: fc.array(entry, { maxLength: 6 }), shape });

export const discoveryRecipe = fc.record({
  members: fc.array(
    fc.tuple(
      fc.constantFrom('issuer', 'issuer', 'jwks_uri', 'jwks_uri', 'introspection_endpoint', 'x'),
      fc.oneof(
        strange,
        fc.constantFrom(
          { $issuer: '' },
          { $issuer: '/' },
          { $issuer: '//' },
          { $issuer: '/jwks' },
          { $issuer: '/nowhere' },
        ),
        fc.constantFrom(
          'https://elsewhere.example/jwks',
          'http://elsewhere.example',
          'ftp://127.0.0.1/',
          'file:///etc/passwd',
          'jwks',
          '//x',
        ),
      ),
    ),
    { maxLength: 3 },
  ),
  shape,
});

export const answerRecipe = fc.record({
  members: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    {
      weight: 5,
      arbitrary: fc.array(
        fc.oneof(
          { weight: 2, arbitrary: tokenRecipe.map(({ claims }) => claims[0] ?? ['active', 'true']) },
          {
            weight: 1,
            arbitrary: fc.tuple(
              fc.constantFrom('active', 'token_type', 'token_use', 'typ', 'aud', 'iss', 'exp'),
              strange,
            ),
          },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              ['active', false],
              ['active', 1],
              ['active', 'true'],
              ['token_type', 'refresh_token'],
              ['token_type', 'urn:ietf:params:oauth:token-type:refresh_token'],
              ['token_use', 'refresh_token'],
              ['nbf', null],
              ['exp', null],
              ['iss', null],
              ['sub', null],
              ['typ', 'ID'],
            ),
          },
        ),
        { minLength: 1, maxLength: 3 },
      ),
    },
  ),
  text: fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(text) }),
  shape,
});

const SHAPES = {
  plain: (json) => json,
  array: (json) => `[${json}]`,
  null: () => 'null',
  string: (json) => JSON.stringify(json),
  cut: (json) => json.slice(0, json.length / 2),
  bom: (json) => `\ufeff${json}`,
  html: (json) => `<html>${json}</html>`,
  empty: () => '',
  twice: (json) => json + json,
  latin1: (json) => Buffer.from(json.replace('{', '{"caf\u00e9":1,'), 'latin1'),
  padded: (json) => json + ' '.repeat(600_000),
};

export const shaped = (json, as) => SHAPES[as](json);
