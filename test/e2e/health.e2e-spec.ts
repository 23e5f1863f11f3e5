/** What a load balancer is told, through Terminus: ready, degraded while the provider fails, down when nothing serves. */
import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { AuthHealthIndicator, Public, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock, holdClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

@Controller()
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly auth: AuthHealthIndicator,
  ) {}

  @Get('health')
  @Public()
  @HealthCheck()
  check(): unknown {
    return this.health.check([() => this.auth.isHealthy()]);
  }

  @Get('things') list(): string {
    return 'things';
  }
}

describe.each(PLATFORMS)('health on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  const boot = async (options: AuthModuleOptions = {}): Promise<void> => {
    app = await bootApp(
      { ...issuer.options, jwksCacheDuration: 60, metadataCacheDuration: 60, maxStale: 600, ...options },
      { platform, controllers: [HealthController], imports: [TerminusModule.forRoot({ logger: false })] },
    );
  };
  const health = async (): Promise<unknown> => {
    const { status, body } = await app.get('/health');
    return [status, (body as { details?: { auth?: unknown } }).details?.auth];
  };

  it('is ready with fresh keys, degraded with stale ones, down without, and ready again', async () => {
    holdClock();
    await boot();
    expect(await health()).toEqual([200, { status: 'up', state: 'ready', keysAge: 0 }]);
    issuer.server.goDown();
    advanceClock(61);
    // The first request after that finds out.
    expect((await app.get('/things', bearer(issuer.token()))).status).toBe(200);
    expect(await health()).toEqual([200, { status: 'up', state: 'degraded', keysAge: 61 }]);
    advanceClock(600);
    expect(await health()).toEqual([503, { status: 'down', state: 'down', keysAge: 661 }]);
    issuer.server.recover();
    advanceClock(31);
    expect(await health()).toEqual([200, { status: 'up', state: 'ready', keysAge: 0 }]);
  });

  it('is down from the start without a provider, and says nothing of it that is not for everybody', async () => {
    issuer.server.goDown();
    await boot();
    const { status, text } = await app.get('/health');
    expect(status).toBe(503);
    expect(text).toContain('"auth":{"status":"down","state":"down"}');
    expect(text).not.toContain(String(issuer.server.port));
  });

  it('is degraded while introspection fails', async () => {
    holdClock();
    await boot(issuer.introspecting);
    issuer.server.answerWith('/introspect', 500, '');
    for (let i = 0; i < 5; i++) await app.get('/things', bearer(issuer.opaqueToken()));
    expect(await health()).toEqual([200, { status: 'up', state: 'degraded', keysAge: 0 }]);
    issuer.server.recover();
    advanceClock(1);
    expect((await app.get('/things', bearer(issuer.opaqueToken()))).status).toBe(200);
    expect(await health()).toEqual([200, { status: 'up', state: 'ready', keysAge: 1 }]);
  });
});
