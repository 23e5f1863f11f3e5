/** Introspection answers that the issuer signed (RFC 9701): only such as were meant for this API are believed. */
import { Controller, Get } from '@nestjs/common';
import { Claims } from 'nestjs-resource-server';
import type { ServerResponse } from 'node:http';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { expectInvalidToken, refusals } from '../support/gate.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import {
  encode,
  hmacToken,
  makeKey,
  nowInSeconds,
  signingInput,
  signToken,
  type SigningKey,
  type TokenParts,
} from '../support/tokens.js';

const MEDIA_TYPE = 'application/token-introspection+jwt';
const CLIENT_ID = 'the-api';
const strangersKey = makeKey();

@Controller()
class ThingsController {
  @Get('things') list(@Claims() claims: { sub?: string; groups?: unknown }): unknown {
    return { sub: claims.sub, groups: claims.groups };
  }
}

/** The body of a good answer but for the parts named. */
function signedAnswer(issuer: Issuer, parts: TokenParts = {}, key: SigningKey = issuer.key): string {
  return signToken(key, envelope(issuer), { ...parts, header: { ...TYPE, ...parts.header } });
}

const TYPE = { typ: 'token-introspection+jwt' };

function envelope(issuer: Issuer): Record<string, unknown> {
  return {
    iss: issuer.server.issuer,
    aud: CLIENT_ID,
    iat: nowInSeconds(),
    token_introspection: { active: true, ...issuer.claims() },
  };
}

type Body = (issuer: Issuer) => string;
const missing = undefined;
const withHeader =
  (header: Record<string, unknown>): Body =>
  (issuer) =>
    signedAnswer(issuer, { header });
const withClaims =
  (claims: Record<string, unknown>): Body =>
  (issuer) =>
    signedAnswer(issuer, { claims });

const GOOD: readonly (readonly [string, Body, contentType?: string])[] = [
  ['as it should be', signedAnswer],
  ['with its type written out', withHeader({ typ: `application/${TYPE.typ}` })],
  ['with its type in capitals', withHeader({ typ: TYPE.typ.toUpperCase() })],
  ['for several audiences', withClaims({ aud: ['another', CLIENT_ID] })],
  ['for the API by its audience, as in the example of RFC 9701', withClaims({ aud: AUDIENCE })],
  ['by a key without a name', withHeader({ kid: missing })],
  ['with a parameter of the content type', signedAnswer, `${MEDIA_TYPE}; charset=utf-8`],
  ['with a content type in capitals', signedAnswer, MEDIA_TYPE.toUpperCase()],
  ['and a line break', (issuer) => `${signedAnswer(issuer)}\n`],
];

/** Whatever is wrong with the answer is no fault of the caller. */
const NOT_BELIEVED: readonly (readonly [string, Body, string])[] = [
  ['of the type of an access token', withHeader({ typ: 'at+jwt' }), 'its typ is "at+jwt"'],
  ['of type JWT', withHeader({ typ: 'JWT' }), 'its typ is "JWT"'],
  ['without a type', withHeader({ typ: missing }), 'its typ is'],
  ['with a type in a list', withHeader({ typ: [TYPE.typ] }), 'its typ is'],
  ['for another API', withClaims({ aud: 'another' }), 'its aud is "another"'],
  ['for a list of others', withClaims({ aud: ['another', `${CLIENT_ID}2`] }), 'its aud is'],
  ['for nobody', withClaims({ aud: missing }), 'its aud is'],
  ['by another issuer', withClaims({ iss: 'https://other.example.com' }), 'its iss is'],
  ['by nobody', withClaims({ iss: missing }), 'its iss is'],
  ['without token_introspection', withClaims({ token_introspection: missing }), 'no token_introspection'],
  ['with token_introspection as a list', withClaims({ token_introspection: [] }), 'no token_introspection'],
  ['with token_introspection as text', withClaims({ token_introspection: '{}' }), 'no token_introspection'],
  [
    'with the claims beside token_introspection',
    withClaims({ token_introspection: null, active: true, sub: 'user-1' }),
    'no token_introspection',
  ],
  [
    'with another key of that name',
    (issuer) => signedAnswer(issuer, {}, { ...strangersKey, kid: issuer.key.kid }),
    'the signature does not verify',
  ],
  ['with a key of its own', (issuer) => signedAnswer(issuer, {}, strangersKey), 'no key of the issuer'],
  [
    'with the key that it brings along',
    (issuer) => signedAnswer(issuer, { header: { jwk: strangersKey.jwk, kid: missing } }, strangersKey),
    'no key of the issuer',
  ],
  [
    'with alg none',
    (issuer) => `${encode({ alg: 'none', ...TYPE })}.${encode(envelope(issuer))}.`,
    'alg "none" is not accepted',
  ],
  [
    'with alg none and something for a signature',
    (issuer) => `${encode({ alg: 'none', ...TYPE })}.${encode(envelope(issuer))}.AAAA`,
    'alg "none" is not accepted',
  ],
  [
    'by HMAC with the public key',
    (issuer) =>
      hmacToken(
        issuer.key.publicKey.export({ type: 'spki', format: 'pem' }),
        'HS256',
        signingInput(issuer.key, envelope(issuer), { header: { ...TYPE, alg: 'HS256' } }),
      ),
    'alg "HS256" is not accepted',
  ],
  [
    'as plain JSON under that type',
    (issuer) => JSON.stringify({ active: true, ...issuer.claims() }),
    'three parts',
  ],
  ['as nothing', () => '', 'three parts'],
];

/** A good envelope about a token that is not. */
const BAD_TOKENS: readonly (readonly [string, (issuer: Issuer) => Record<string, unknown>, string])[] = [
  ['is inactive', () => ({ active: false }), 'the provider reports active: false'],
  ['is not said to be active', (issuer) => issuer.claims(), 'the provider reports active: undefined'],
  [
    'is for another API',
    (issuer) => ({ active: true, ...issuer.claims(), aud: 'https://other.example.com' }),
    'aud is',
  ],
  // What holds for the envelope does not hold for the token.
  [
    'has no audience',
    (issuer) => ({ active: true, ...issuer.claims(), aud: missing }),
    'allowMissingAudience',
  ],
  ['is expired', (issuer) => ({ active: true, ...issuer.claims(), exp: 1 }), 'the token expired'],
];

describe.each(PLATFORMS)('signed introspection on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  let answer: { body: string; contentType: string };

  const ask = (): ReturnType<TestApp['get']> =>
    app.get('/things', bearer(keepSecret('an-opaque-token-of-this-test')));

  beforeAll(async () => {
    issuer = await Issuer.start();
    issuer.server.answer('/introspect', (_, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': answer.contentType }).end(answer.body);
    });
    app = await bootApp(
      { ...issuer.introspecting, introspectionCacheDuration: 0 },
      { platform, controllers: [ThingsController] },
    );
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each(GOOD.map(([name, body, contentType = MEDIA_TYPE]) => [name, body, contentType] as const))(
    'believes an answer %s',
    async (_, body, contentType) => {
      answer = { body: body(issuer), contentType };
      expect(await ask()).toMatchObject({ status: 200, body: { sub: 'user-1', groups: ['staff'] } });
    },
  );

  it.each(NOT_BELIEVED)('503 for an answer %s', async (_, body, reason) => {
    answer = { body: body(issuer), contentType: MEDIA_TYPE };
    const { status, headers, body: said } = await ask();
    expect([status, said]).toEqual([503, { statusCode: 503, message: 'service unavailable' }]);
    expect(headers['www-authenticate']).toBeUndefined();
    expect(refusals()).toEqual([
      { outcome: '503 provider_unavailable', reason: expect.stringContaining(reason) as unknown },
    ]);
    expect(refusals()[0]?.reason).toMatch(/^the signed introspection response is invalid: /);
  });

  it.each(BAD_TOKENS)('401 for a token that %s', async (_, claims, reason) => {
    answer = { body: withClaims({ token_introspection: claims(issuer) })(issuer), contentType: MEDIA_TYPE };
    expectInvalidToken(await ask());
    expect(refusals()[0]?.reason).toContain(reason);
  });

  it('503 when the keys cannot be had, and goes on when they can', async () => {
    const cold = await bootApp(issuer.introspecting, { platform, controllers: [ThingsController] });
    issuer.server.answerWith('/jwks', 500, '');
    answer = { body: signedAnswer(issuer), contentType: MEDIA_TYPE };
    const token = bearer(keepSecret('another-opaque-token-of-this-test'));
    expect((await cold.get('/things', token)).status).toBe(503);
    issuer.server.answer('/jwks', (_, response) =>
      response.end(JSON.stringify({ keys: issuer.server.keys })),
    );
    advanceClock(60);
    expect((await cold.get('/things', token)).status).toBe(200);
    await cold.close();
  });

  it('does not take such an answer for an access token (RFC 9701 section 8.1)', async () => {
    const envelopeAsToken = signedAnswer(issuer, { claims: { ...issuer.claims(), aud: AUDIENCE } });
    expectInvalidToken(await app.get('/things', bearer(keepSecret(envelopeAsToken))));
  });
});
