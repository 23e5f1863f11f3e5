/** Tokens for other APIs where several issuers are trusted: whom is asked, and who never is. */
import {
  ClientCredentials,
  ConfigurationError,
  IssuerRegistry,
  OnBehalfOf,
  type ClientTokenTarget,
  type IssuerOptions,
} from 'nestjs-resource-server';
import { bootApp, type TestApp } from '../support/app.js';
import { advanceClock, holdClock } from '../support/clock.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { claimsIn, PRODUCTS, TokenRequests } from '../support/token-requests.js';

const SECRETS = {
  staff: keepSecret('the-secret-at-the-staff-issuer'),
  customers: keepSecret('the-secret-at-the-customers-issuer'),
};
const TARGET = { audience: PRODUCTS };

describe('tokens for other APIs with several issuers', () => {
  let staff: Issuer;
  let customers: Issuer;
  let atStaff: TokenRequests;
  let atCustomers: TokenRequests;
  let app: TestApp;

  beforeEach(async () => {
    [staff, customers] = await Promise.all([Issuer.start(), Issuer.start()]);
    [atStaff, atCustomers] = [new TokenRequests(staff), new TokenRequests(customers)];
    app = await bootApp(
      {
        audience: AUDIENCE,
        opaqueTokenIssuer: () => 'staff',
        issuers: [
          {
            name: 'staff',
            issuer: staff.server.issuer,
            clientId: 'api-at-staff',
            clientSecret: SECRETS.staff,
          },
          {
            name: 'customers',
            issuer: customers.server.issuer,
            clientId: 'api-at-customers',
            clockTolerance: 600,
            clientSecret: SECRETS.customers,
          },
        ],
      },
      { platform: 'Express', controllers: [] },
    );
  });
  afterEach(async () => {
    await app.close();
    await Promise.all([staff, customers].map((each) => each.close()));
  });

  const counts = (): readonly number[] => [atStaff.count, atCustomers.count];
  const onBehalfOf = (token: string): Promise<string> =>
    app.nest.get(OnBehalfOf).accessTokenFor(token, TARGET);
  const own = (target: ClientTokenTarget): Promise<string> =>
    app.nest.get(ClientCredentials).accessTokenFor(target);

  it("asks the caller's issuer, with the credentials there, and never the other", async () => {
    const token = customers.token({ claims: { sub: 'ann' } });
    expect(claimsIn(await onBehalfOf(token))).toMatchObject({ iss: customers.server.issuer, sub: 'ann' });
    expect(counts()).toEqual([0, 1]);
    expect(atCustomers.last).toMatchObject({
      subject_token: token,
      client_id: 'api-at-customers',
      client_secret: SECRETS.customers,
    });
    await onBehalfOf(staff.token({ claims: { sub: 'ann' } }));
    expect(counts()).toEqual([1, 1]);
    expect(atStaff.last).toMatchObject({ client_id: 'api-at-staff', client_secret: SECRETS.staff });
  });

  it('takes a token for as long as the tolerance of its issuer says', async () => {
    const exp = Math.floor(Date.now() / 1000) - 400;
    const late = { claims: { exp, iat: exp - 60 } };
    expect(claimsIn(await onBehalfOf(customers.token(late)))).toMatchObject({ iss: customers.server.issuer });
    await expect(onBehalfOf(staff.token(late))).rejects.toMatchObject({ status: 401 });
    expect(counts()).toEqual([0, 1]);
  });

  it('asks nobody for a token that names one issuer and is signed by another', async () => {
    const forged = customers.token({ claims: { iss: staff.server.issuer } });
    await expect(onBehalfOf(forged)).rejects.toMatchObject({ status: 401 });
    expect(counts()).toEqual([0, 0]);
  });

  it('does not ask another one when the right one fails, which leaves the others alone', async () => {
    atCustomers.fault = [500, ''];
    for (let i = 0; i < 20; i++)
      await expect(onBehalfOf(customers.token())).rejects.toMatchObject({ status: 503 });
    expect(atStaff.count).toBe(0);
    await onBehalfOf(staff.token());
    expect(atStaff.count).toBe(1);
  });

  it('asks in its own name whom the target names, by name or by issuer, and remembers that as one', async () => {
    for (const issuer of ['customers', customers.server.issuer]) {
      expect(claimsIn(await own({ ...TARGET, issuer }))).toMatchObject({ iss: customers.server.issuer });
      expect(counts()).toEqual([0, 1]);
    }
    expect(claimsIn(await own({ ...TARGET, issuer: 'staff' }))).toMatchObject({ iss: staff.server.issuer });
    expect(counts()).toEqual([1, 1]);
  });

  it('must be told whom to ask in its own name', async () => {
    for (const [issuer, message] of [
      [undefined, /issuer is required, because several are configured/],
      ['nobody', /no issuer "nobody" is configured/],
      ['https://elsewhere.example.com', /no issuer .* is configured/],
    ] as const) {
      const asked = own({ ...TARGET, issuer });
      await expect(asked).rejects.toBeInstanceOf(ConfigurationError);
      await expect(asked).rejects.toThrow(message);
    }
    expect(counts()).toEqual([0, 0]);
  });
});

describe('tokens for other APIs of a tenant whose client changes', () => {
  let tenant: Issuer;
  let requests: TokenRequests;
  let app: TestApp;
  let settings: Partial<IssuerOptions>;

  beforeEach(async () => {
    holdClock();
    tenant = await Issuer.start();
    requests = new TokenRequests(tenant);
    settings = { clientId: 'the-old-client', clientSecret: SECRETS.staff };
    app = await bootApp(
      {
        audience: AUDIENCE,
        metadataCacheDuration: 120,
        opaqueTokenIssuer: () => undefined,
        issuers: (issuer) => ({ issuer, ...settings }),
      },
      { platform: 'Express', controllers: [] },
    );
  });
  afterEach(async () => {
    await app.close();
    await tenant.close();
  });

  const forget = (): unknown => app.nest.get(IssuerRegistry).forget(tenant.server.issuer);
  const pass = (): void => advanceClock(121);

  it.each([
    ['it is forgotten', forget],
    ['the time of its settings is over', pass],
  ])('are requested anew when %s', async (_name, change) => {
    const token = tenant.token();
    const { issuer } = tenant.server;
    const both = (): Promise<unknown> =>
      Promise.all([
        app.nest.get(OnBehalfOf).accessTokenFor(token, TARGET),
        app.nest.get(ClientCredentials).accessTokenFor({ ...TARGET, issuer }),
      ]);
    await both();
    await both();
    expect(requests.count).toBe(2);
    settings = { clientId: 'the-new-client', clientSecret: SECRETS.customers };
    change();
    await both();
    expect(requests.all.map(({ parameters }) => parameters['client_id'])).toEqual([
      'the-old-client',
      'the-old-client',
      'the-new-client',
      'the-new-client',
    ]);
    settings = {};
    change();
    await expect(both()).rejects.toMatchObject({ status: 500 });
  });

  it('stay remembered while its settings are found to be the same', async () => {
    const token = tenant.token();
    await app.nest.get(OnBehalfOf).accessTokenFor(token, TARGET);
    pass();
    await app.nest.get(OnBehalfOf).accessTokenFor(token, TARGET);
    expect(requests.count).toBe(1);
  });
});
