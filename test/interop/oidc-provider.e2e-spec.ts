/** Real tokens of a real authorization server: oidc-provider, in a process of its own, as it comes. */
import { Controller, Get } from '@nestjs/common';
import { Claims, Scopes } from 'nestjs-resource-server';
import { fork, type ChildProcess, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock, jumpClock } from '../support/clock.js';
import { bearer, send } from '../support/http.js';
import { keepSecret } from '../support/no-secrets-in-output.js';

const AUDIENCE = 'https://api.example.com';

@Controller()
class ThingsController {
  @Get('things') @Scopes('read:things') list(@Claims('client_id') clientId: string): unknown {
    return { clientId };
  }
}

/** One process for all of them: it takes longer to start than a test takes. */
let child: ChildProcess;
beforeAll(() => {
  child = fork('test/interop/provider.mjs', { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
});
afterAll(() => {
  child.kill();
});

async function tell(message: Serializable): Promise<string> {
  child.send(message);
  const [{ issuer }] = (await once(child, 'message')) as [{ issuer: string }];
  return issuer;
}

class RealProvider {
  private constructor(readonly issuer: string) {}

  static async start(settings: { alg: string; path?: string; kid?: string }): Promise<RealProvider> {
    return new RealProvider(await tell({ start: settings }));
  }

  async token(scope: string, resource = AUDIENCE): Promise<string> {
    const { body } = await send(`${this.issuer}/token`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from('client:a-secret-of-the-client').toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource }).toString(),
    });
    return keepSecret((body as { access_token: string }).access_token);
  }

  async stop(): Promise<void> {
    await tell({ stop: this.issuer });
  }

  async rotate(): Promise<void> {
    await tell({ rotate: this.issuer });
  }
}

const PROVIDERS = [
  { alg: 'RS256' },
  { alg: 'PS256', path: '' },
  { alg: 'ES256' },
  { alg: 'Ed25519' },
  { alg: 'EdDSA' },
];

describe.each(PLATFORMS)('oidc-provider and %s', (platform) => {
  it.each(PROVIDERS)('with $alg: tokens, scopes, audience, rotation', async (settings) => {
    const provider = await RealProvider.start(settings);
    const { issuer } = provider;
    const app: TestApp = await bootApp(
      { issuer, audience: AUDIENCE },
      { platform, controllers: [ThingsController] },
    );
    const call = (token: string): ReturnType<TestApp['get']> => app.get('/things', bearer(token));

    const token = await provider.token('read:things');
    const answer = await call(token);
    expect([answer.status, answer.body]).toEqual([200, { clientId: 'client' }]);
    expect((await call(await provider.token('write:things'))).status).toBe(403);
    expect((await call(await provider.token('read:things', 'https://other.example.com'))).status).toBe(401);

    await provider.rotate();
    expect((await call(await provider.token('read:things'))).status).toBe(200);
    // The old key is gone at the issuer, and so it is here. It is looked for once more, a second after the last time.
    advanceClock(1);
    expect((await call(token)).status).toBe(401);

    await app.close();
  });

  it('two of them, whose keys have the same kid, and then one is gone', async () => {
    const settings = { alg: 'ES256', kid: 'the-key' };
    const staff = await RealProvider.start(settings);
    const customers = await RealProvider.start(settings);
    const app: TestApp = await bootApp(
      {
        audience: AUDIENCE,
        maxStale: 0,
        issuers: [
          { name: 'staff', issuer: staff.issuer },
          { name: 'customers', issuer: customers.issuer },
        ],
      },
      { platform, controllers: [ThingsController] },
    );
    const status = async (token: string): Promise<number> => (await app.get('/things', bearer(token))).status;

    const [ofStaff, ofCustomers] = await Promise.all([
      staff.token('read:things'),
      customers.token('read:things'),
    ]);
    expect([await status(ofStaff), await status(ofCustomers)]).toEqual([200, 200]);
    const [header, payload] = ofStaff.split('.');
    const signature = ofCustomers.split('.')[2];
    expect(await status([header, payload, signature].join('.'))).toBe(401);

    await staff.stop();
    advanceClock(3600);
    // The clock of the provider is not set: its tokens are old now, and would be refused for that.
    jumpClock(-3600);
    expect([await status(ofStaff), await status(ofCustomers)]).toEqual([503, 200]);
    await app.close();
  });
});
