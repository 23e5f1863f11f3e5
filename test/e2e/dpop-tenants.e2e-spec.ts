/** A DPoP proof is good for one token of one issuer, and once for all of them. RFC 9449 sections 4.3 and 11.1. */
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { DPoPClient } from '../support/dpop.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { entryOf, TenantController } from '../support/tenants.js';

describe.each(PLATFORMS)('a proof replayed with the token of another issuer on %s', (platform) => {
  let staff: Issuer;
  let customers: Issuer;
  let app: TestApp;

  beforeAll(async () => {
    [staff, customers] = await Promise.all([Issuer.start(), Issuer.start()]);
    app = await bootApp(
      { audience: AUDIENCE, issuers: [entryOf(staff, { name: 'staff' }), entryOf(customers)] },
      { platform, controllers: [TenantController] },
    );
  });
  afterAll(async () => {
    await app.close();
    await Promise.all([staff, customers].map((each) => each.close()));
  });

  it('is refused: it names the token that it was made for, and its jti is used', async () => {
    const client = await DPoPClient.make();
    const cnf = { jkt: client.jkt };
    const [ours, theirs] = [staff.token({ claims: { cnf } }), customers.token({ claims: { cnf } })];
    const url = `${app.origin}/whoami`;
    const get = async (token: string, proof: string): Promise<number> =>
      (await app.get('/whoami', { authorization: `DPoP ${token}`, dpop: proof })).status;

    const proof = client.proof({ url, token: ours });
    expect([await get(theirs, proof), await get(ours, proof)]).toEqual([401, 200]);
    expect([await get(theirs, proof), await get(ours, proof)]).toEqual([401, 401]);

    // The same client may have tokens of both; each needs a proof of its own.
    const jti = 'the-same-jti';
    expect(await get(ours, client.proof({ url, token: ours }, { claims: { jti } }))).toBe(200);
    expect(await get(theirs, client.proof({ url, token: theirs }, { claims: { jti } }))).toBe(401);
    expect(await get(theirs, client.proof({ url, token: theirs }))).toBe(200);
  });
});
