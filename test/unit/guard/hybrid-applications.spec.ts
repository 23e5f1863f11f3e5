/** What an application's listener hears of the microservices that it connects, and before what. */
import { NestApplication } from '@nestjs/core';
import { watchHybridApplications } from '../../../lib/guard/hybrid-applications.js';

describe('an application that connects microservices', () => {
  const { prototype } = NestApplication;
  const { connectMicroservice, startAllMicroservices } = prototype;
  const found = new Map<unknown, { connect(inherits: boolean): void; check(): void }>();
  let heard: unknown[];

  // Nest's class is wrapped once in a process.
  beforeAll(() => {
    prototype.connectMicroservice = function (this: NestApplication, ...args: unknown[]) {
      heard.push(['connected', this, args]);
      return 'the microservice';
    } as never;
    prototype.startAllMicroservices = function (this: NestApplication) {
      heard.push(['started', this]);
      return Promise.resolve(this);
    };
    watchHybridApplications((app) => {
      const listener = found.get(app);
      if (!listener) throw new Error('Nest could not find the listener');
      return listener;
    });
  });
  afterAll(() => Object.assign(prototype, { connectMicroservice, startAllMicroservices }));
  beforeEach(() => {
    heard = [];
    found.clear();
  });

  const makeApp = (): NestApplication => {
    const app = Object.create(prototype) as NestApplication;
    found.set(app, {
      connect: (inherits) => heard.push(['connect', inherits]),
      check: () => heard.push(['check']),
    });
    return app;
  };

  it.each<[string, readonly unknown[], boolean]>([
    ['no options', [], false],
    ['options that say nothing of it', [{}], false],
    ['its own configuration', [{ inheritAppConfig: false }], false],
    ["the application's configuration", [{ inheritAppConfig: true }], true],
  ])('tells first whether global guards hold for it: %s', (_, options, inherits) => {
    const app = makeApp();
    const args = [{ strategy: 'the transport' }, ...options];
    const connected: unknown = Reflect.apply(app.connectMicroservice, app, args);
    expect(connected).toBe('the microservice');
    expect(heard).toEqual([
      ['connect', inherits],
      ['connected', app, args],
    ]);
  });

  it('asks before messages arrive', async () => {
    const app = makeApp();
    await expect(app.startAllMicroservices()).resolves.toBe(app);
    expect(heard).toEqual([['check'], ['started', app]]);
  });

  it('starts no microservice where the listener objects', async () => {
    const app = makeApp();
    found.set(app, {
      connect: () => undefined,
      check: () => {
        throw new Error('not guarded');
      },
    });
    await expect(app.startAllMicroservices()).rejects.toThrow('not guarded');
    expect(heard).toEqual([]);
  });

  it('goes on without a listener, in an application without the module', async () => {
    const app = Object.create(prototype) as NestApplication;
    expect(app.connectMicroservice({})).toBe('the microservice');
    await app.startAllMicroservices();
    expect(heard).toEqual([
      ['connected', app, [{}]],
      ['started', app],
    ]);
  });

  it('is told once, however many modules watch', () => {
    watchHybridApplications(() => ({
      connect: () => heard.push('told twice'),
      check: () => heard.push('asked twice'),
    }));
    const app = makeApp();
    app.connectMicroservice({});
    expect(heard).toEqual([
      ['connect', false],
      ['connected', app, [{}]],
    ]);
  });
});
