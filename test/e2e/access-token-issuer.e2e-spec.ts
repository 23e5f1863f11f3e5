/** A provider whose access tokens name another issuer than its discovery document does (AD FS). */
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

const TRUST = 'http://adfs.example/adfs/services/trust';

describe.each(PLATFORMS)('accessTokenIssuer on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeEach(async () => {
    issuer = await Issuer.start({ metadata: { access_token_issuer: TRUST } });
  });
  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  /** A JWT and an opaque token whose `iss` is this. */
  const statuses = async (iss: string, options: AuthModuleOptions): Promise<number[]> => {
    app = await bootApp({ ...issuer.introspecting, ...options }, { platform });
    const tokens = [issuer.token({ claims: { iss } }), issuer.opaqueToken({ iss })];
    const answers = await Promise.all(tokens.map((token) => app.get('/things', bearer(token))));
    return answers.map(({ status }) => status);
  };

  it('is what iss must say', async () => {
    expect(await statuses(TRUST, { accessTokenIssuer: TRUST })).toEqual([200, 200]);
  });

  it('leaves no other issuer good, not that of ID tokens either', async () => {
    expect(await statuses(issuer.server.issuer, { accessTokenIssuer: TRUST })).toEqual([401, 401]);
  });

  it('is compared character by character', async () => {
    expect(await statuses(`${TRUST}/`, { accessTokenIssuer: TRUST })).toEqual([401, 401]);
  });

  it('is not believed because the document names it', async () => {
    expect(await statuses(TRUST, {})).toEqual([401, 401]);
  });
});
