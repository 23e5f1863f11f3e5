/** What a token resolver may find, and what is answered to it. */
import { Controller, Get } from '@nestjs/common';
import { OptionalAuth, type AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

@Controller()
class ThingsController {
  @Get('things') list(): string {
    return 'things';
  }
  @Get('optional') @OptionalAuth() optional(): string {
    return 'optional';
  }
}

const UNAUTHORIZED = { statusCode: 401, message: 'unauthorized' };

describe.each(PLATFORMS)('a token resolver on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp | undefined;
  const boot = async (find: (query: Record<string, unknown>, good: string) => unknown): Promise<TestApp> => {
    const good = issuer.token();
    const options: AuthModuleOptions = {
      ...issuer.options,
      tokenResolver: (request) => find(request.query as Record<string, unknown>, good) as string,
    };
    return (app = await bootApp(options, { platform, controllers: [ThingsController] }));
  };

  beforeAll(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => issuer.close());

  const errors = (): readonly string[] =>
    loggedLines().filter((line) => line.includes('because of an internal error'));

  it('reads a parameter that is sent once, and refuses one that is sent twice', async () => {
    const booted = await boot((query) => query['access_token']);
    const [token, other] = [issuer.token(), issuer.token()];
    for (const path of ['/things', '/optional']) {
      expect((await booted.get(`${path}?access_token=${token}`)).status).toBe(200);
      const answer = await booted.get(`${path}?access_token=${token}&access_token=${other}`);
      expect([answer.status, answer.headers['www-authenticate'], answer.body]).toEqual([
        400,
        'Bearer error="invalid_request"',
        { statusCode: 400, message: 'bad request' },
      ]);
    }
    expect(errors()).toEqual([]);
  });

  it.each<[string, (good: string) => unknown]>([
    ['a list of one', (good) => [good]],
    ['an empty list', () => []],
    ['an object', (good) => ({ token: good })],
    ['an object without a prototype', (good) => Object.assign(Object.create(null) as object, { x: good })],
    ['a promise of an object', (good) => Promise.resolve({ token: good })],
  ])('refuses %s as no token', async (_, find) => {
    const booted = await boot((_query, good) => find(good));
    for (const path of ['/things', '/optional']) {
      const answer = await booted.get(path);
      expect([answer.status, answer.body]).toEqual([401, UNAUTHORIZED]);
      expect(answer.headers['www-authenticate']).toContain('Bearer error="invalid_token"');
    }
    expect(errors()).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['an empty string', ''],
  ])('takes %s for no token', async (_, found) => {
    const booted = await boot(() => found);
    expect([(await booted.get('/things')).status, (await booted.get('/optional')).status]).toEqual([
      401, 200,
    ]);
  });

  it('is at fault itself for anything else', async () => {
    const booted = await boot(() => 7);
    expect((await booted.get('/optional')).status).toBe(500);
    expect(errors()).toHaveLength(1);
  });
});
