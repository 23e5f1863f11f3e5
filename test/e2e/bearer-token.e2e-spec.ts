/** "Cookie, else header": bearerToken reads the header as the default does. */
import { bearerToken } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { DPoPClient } from '../support/dpop.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

describe.each(PLATFORMS)('a resolver with bearerToken on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(
      {
        ...issuer.options,
        tokenResolver: (request) =>
          /(?:^|; )token=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? bearerToken(request),
      },
      { platform },
    );
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each<readonly [string, () => Record<string, string>, number, string]>([
    ['the cookie', () => ({ cookie: `token=${issuer.token()}` }), 200, ''],
    ['the header', () => bearer(issuer.token()), 200, ''],
    ['nothing', () => ({}), 401, 'Bearer'],
    [
      'a bad cookie beside a good header',
      () => ({ ...bearer(issuer.token()), cookie: 'token=x' }),
      401,
      'invalid_token',
    ],
    ['a header that is no token', () => ({ authorization: 'Bearer' }), 401, 'invalid_token'],
    ['two tokens in the header', () => ({ authorization: 'Bearer a, Bearer b' }), 400, 'invalid_request'],
    ['another scheme', () => ({ authorization: 'Basic YTpi' }), 401, 'Bearer'],
  ])('%s: %s', async (_name, headers, status, challenge) => {
    const answer = await app.get('/things', headers());
    expect(answer.status).toBe(status);
    if (challenge !== '') expect(answer.headers['www-authenticate']).toContain(challenge);
  });

  it('keeps the scheme of a DPoP-bound token', async () => {
    const client = await DPoPClient.make();
    const token = issuer.token({ claims: { cnf: { jkt: client.jkt } } });
    expect((await app.get('/things', client.headers({ token, url: `${app.origin}/things` }))).status).toBe(
      200,
    );
    expect((await app.get('/things', { authorization: `DPoP ${token}` })).status).toBe(401);
    expect((await app.get('/things', bearer(token))).status).toBe(401);
  });
});
