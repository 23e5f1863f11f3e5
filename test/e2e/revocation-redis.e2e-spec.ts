/** Revocations shared through a real Redis: at once, by each client, after a cut, after a loss, by several processes. */
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createClient } from '@redis/client';
import { Redis } from 'ioredis';
import {
  RedisRevocationStore,
  type Revocation,
  type RevocationRedisClient,
  type RevokeSelector,
} from 'nestjs-resource-server';
import { buildCli, compile, type Cli } from '../support/cli.js';
import { bearer, send } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { describeWith, hasRedisServer, OwnRedis, REDIS_URL } from '../support/redis.js';
import { nowInSeconds } from '../support/tokens.js';

const until = async (holds: () => unknown): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
};

const revocation = (members: Partial<Revocation> = {}): Revocation => ({
  id: randomUUID(),
  match: { sub: 'u1' },
  before: nowInSeconds(),
  until: nowInSeconds() + 600,
  ...members,
});

interface Connection {
  readonly client: RevocationRedisClient;
  readonly close: () => unknown;
}

/** As docs/revocation.md shows it. */
function adapt(redis: Redis): RevocationRedisClient {
  return {
    get isReady() {
      return redis.status === 'ready';
    },
    sendCommand: ([name = '', ...parameters]) => redis.call(name, ...parameters),
    duplicate: () => {
      const own = redis.duplicate({ lazyConnect: true });
      return {
        on: (event, listener) => own.on(event, listener),
        connect: () => own.connect(),
        subscribe: (channel, listener) => {
          own.on('message', (_channel: string, message: string) => listener(message));
          return own.subscribe(channel);
        },
        destroy: () => own.disconnect(),
      };
    },
  };
}

const CLIENTS: readonly (readonly [string, (url: string) => Promise<Connection>])[] = [
  [
    'node-redis',
    async (url) => {
      const client = createClient({ url });
      client.on('error', () => undefined);
      await client.connect();
      return { client, close: () => client.destroy() };
    },
  ],
  [
    'ioredis',
    async (url) => {
      const redis = new Redis(url);
      redis.on('error', () => undefined);
      await once(redis, 'ready');
      return { client: adapt(redis), close: () => redis.disconnect() };
    },
  ],
];

describeWith(REDIS_URL !== undefined, 'set REDIS_URL', 'a store in Redis', () => {
  describe.each(CLIENTS)('with %s', (_, connect) => {
    let connection: Connection;
    let prefix: string;
    const ends: (() => unknown)[] = [];

    beforeEach(async () => {
      prefix = `{test-${randomUUID()}}`;
      connection = await connect(REDIS_URL ?? '');
    });
    afterEach(async () => {
      for (const end of ends.splice(0)) await end();
      for (const name of ['by-id', 'by-end', 'number'])
        await connection.client.sendCommand(['DEL', `${prefix}:${name}`]);
      await connection.close();
    });
    const store = (max?: number): RedisRevocationStore =>
      new RedisRevocationStore(connection.client, prefix, max);

    it('takes an id once, however many add it at the same time', async () => {
      const same = revocation();
      const taken = await Promise.all(Array.from({ length: 100 }, () => store().add(same)));
      expect(taken.filter(Boolean)).toHaveLength(1);
      expect(await store().list()).toEqual([same]);
    });

    it('lists all, and forgets what is over', async () => {
      const all = Array.from({ length: 2500 }, (_each, i) => revocation({ match: { sub: `u${i}` } }));
      await Promise.all(all.map((each) => store().add(each)));
      const over = revocation({ until: nowInSeconds() - 1 });
      await store().add(over);
      expect(await store().add(over)).toBe(true);
      const byId = (one: Revocation, other: Revocation): number => (one.id < other.id ? -1 : 1);
      const listed = (await store().list()).filter((each) => each.id !== over.id);
      expect([...listed].toSorted(byId)).toEqual(all.toSorted(byId));
    });

    it('drops none that still counts for another', async () => {
      const small = store(2);
      const [one, two] = [revocation(), revocation()];
      expect([await small.add(one), await small.add(two)]).toEqual([true, true]);
      await expect(small.add(revocation())).rejects.toThrow('the revocation store is full');
      expect(await small.add(one)).toBe(false);
      expect(await small.list()).toHaveLength(2);
    });

    it('tells its subscribers, also of what an unreadable message follows', async () => {
      const heard: (readonly [string, boolean])[] = [];
      const observed: string[] = [];
      ends.push(
        store().subscribe(({ id }, lag) => heard.push([id, lag !== undefined && lag < 60]), {
          failed: () => observed.push('failed'),
          recovered: () => observed.push('recovered'),
        }),
      );
      await until(() => observed.length > 0);
      await connection.client.sendCommand(['PUBLISH', `${prefix}:added`, 'junk']);
      await connection.client.sendCommand(['PUBLISH', `${prefix}:added`, '1 1 {"id":"x","match":{}}']);
      const added = revocation();
      await store().add(added);
      await until(() => heard.length > 0);
      expect(heard).toEqual([[added.id, true]]);
      expect(observed).toEqual(['recovered']);
    });

    it('says that something was missed where its subscription was cut, or the data is gone', async () => {
      let recovered = 0;
      ends.push(
        store().subscribe(() => undefined, { failed: () => undefined, recovered: () => recovered++ }),
      );
      await until(() => recovered === 1);
      await store().add(revocation());
      await until(async () => Number(await connection.client.sendCommand(['GET', `${prefix}:number`])) === 1);
      // Somebody else adds without telling: as good as a message that was lost.
      await connection.client.sendCommand(['INCR', `${prefix}:number`]);
      await until(() => recovered > 1);
      const before = recovered;
      await connection.client.sendCommand(['DEL', `${prefix}:number`]);
      await until(() => recovered > before);
    });
  });
});

/** One instance of an API, in a process of its own. */
const INSTANCE = `
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createClient } from '@redis/client';
import { AuthHealthIndicator, AuthModule, RedisRevocationStore, TokenRevocations } from 'nestjs-resource-server';

const { issuer, audience, url, prefix } = JSON.parse(process.argv[2]);
const client = createClient({ url });
client.on('error', () => undefined);
await client.connect();

@Controller()
class ThingsController {
  @Get('things') list() {
    return 'things';
  }
}
const revocationStore = new RedisRevocationStore(client, prefix);
@Module({
  imports: [AuthModule.forRoot({ issuer, audience, revocationStore })],
  controllers: [ThingsController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
process.on('message', async ({ revoke }) => {
  if (!revoke) return process.send((await app.get(AuthHealthIndicator).isHealthy()).auth.state);
  process.send(await app.get(TokenRevocations).revoke(revoke).then(() => 'revoked', () => 'rejected'));
});
process.send(await app.getUrl());
`;

class Instance {
  private constructor(
    private readonly child: ChildProcess,
    private readonly origin: string,
  ) {}

  static async start(program: string, settings: object): Promise<Instance> {
    const child = fork(program, [JSON.stringify(settings)]);
    return new Instance(child, await answerOf(child));
  }

  revoke(selector: RevokeSelector): Promise<string> {
    this.child.send({ revoke: selector });
    return answerOf(this.child);
  }

  state(): Promise<string> {
    this.child.send({});
    return answerOf(this.child);
  }

  async status(token: string): Promise<number> {
    return (await send(`${this.origin}/things`, { headers: bearer(token) })).status;
  }

  async end(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill();
    await ended;
  }
}

async function answerOf(child: ChildProcess): Promise<string> {
  const [message] = (await once(child, 'message')) as [string];
  return message;
}

describeWith(hasRedisServer, 'install redis-server', 'processes over one Redis', () => {
  let issuer: Issuer;
  let redis: OwnRedis;
  let cli: Cli;
  let program: string;
  const instances: Instance[] = [];

  beforeAll(async () => {
    issuer = await Issuer.start();
    cli = buildCli();
    program = join(dirname(cli.main), 'instance.js');
    writeFileSync(program, compile(INSTANCE));
  }, 60_000);
  beforeEach(async () => {
    redis = await OwnRedis.start();
  });
  afterEach(async () => {
    await Promise.all(instances.splice(0).map((each) => each.end()));
    await redis.kill();
  });
  afterAll(async () => {
    cli.remove();
    await issuer.close();
  });

  const start = async (): Promise<Instance> => {
    const settings = { issuer: issuer.server.issuer, audience: AUDIENCE, url: redis.url };
    const instance = await Instance.start(program, settings);
    instances.push(instance);
    return instance;
  };
  const tokenOf = (sub: string): string => issuer.token({ claims: { sub, iat: nowInSeconds() - 60 } });

  it('know at once, and those that start later when they start', async () => {
    const [one, two] = [await start(), await start()];
    const token = tokenOf('u1');
    expect([await one.status(token), await two.status(token)]).toEqual([200, 200]);
    expect(await one.revoke({ sub: 'u1' })).toBe('revoked');
    expect(await one.status(token)).toBe(401);
    await until(async () => (await two.status(token)) === 401);
    const later = await start();
    expect(await later.status(token)).toBe(401);
    expect(await later.status(tokenOf('u2'))).toBe(200);
  }, 60_000);

  it('go on knowing while Redis is gone, and tell each other and it when it is back, empty', async () => {
    const [one, two] = [await start(), await start()];
    expect(await one.revoke({ sub: 'u1' })).toBe('revoked');
    await until(async () => (await two.status(tokenOf('u1'))) === 401);
    await redis.kill();
    await until(async () => (await one.state()) === 'degraded' && (await two.state()) === 'degraded');
    expect(await two.status(tokenOf('u1'))).toBe(401);
    expect(await one.revoke({ sub: 'u2' })).toBe('rejected');
    expect(await one.status(tokenOf('u2'))).toBe(401);
    expect(await two.status(tokenOf('u2'))).toBe(200);

    await redis.restart();
    await until(async () => (await two.status(tokenOf('u2'))) === 401);
    await until(async () => (await one.state()) === 'ready' && (await two.state()) === 'ready');
    const later = await start();
    expect(await Promise.all(['u1', 'u2', 'u3'].map((sub) => later.status(tokenOf(sub))))).toEqual([
      401, 401, 200,
    ]);
    expect(await later.revoke({ sub: 'u3' })).toBe('revoked');
    await until(async () => (await one.status(tokenOf('u3'))) === 401);
    await until(async () => (await two.status(tokenOf('u3'))) === 401);
  }, 60_000);
});
