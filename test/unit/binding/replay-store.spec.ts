/** What Redis is asked, by which client, and which answers count. */
import { RedisReplayStore, ReplayStoreError, type RedisClient } from '../../../lib/binding/replay-store.js';

interface Asked {
  readonly commands: (readonly string[])[];
}

const nodeRedis = (answer: unknown): RedisClient & Asked => {
  const commands: (readonly string[])[] = [];
  const sendCommand = (command: string[]): Promise<unknown> => {
    commands.push(command);
    return Promise.resolve(answer);
  };
  return { commands, sendCommand };
};
/** It has `sendCommand`, too, for another purpose. */
const ioredis = (answer: unknown): RedisClient & Asked => {
  const commands: (readonly string[])[] = [];
  return {
    commands,
    call: (...command) => {
      commands.push(command);
      return Promise.resolve(answer);
    },
    sendCommand: () => Promise.reject(new Error('not a command object')),
  };
};

describe.each([
  ['node-redis', nodeRedis],
  ['ioredis', ioredis],
])('%s', (_, makeClient) => {
  it('puts what is absent, for whole seconds', async () => {
    const client = makeClient('OK');
    expect(await new RedisReplayStore(client).add('id', 120.2)).toBe(true);
    expect(await new RedisReplayStore(client, 'own:').add('id', 60)).toBe(true);
    expect(client.commands).toEqual([
      ['SET', 'nestjs-resource-server:dpop:id', '1', 'NX', 'EX', '121'],
      ['SET', 'own:id', '1', 'NX', 'EX', '60'],
    ]);
  });

  it('knows what is there', async () => {
    expect(await new RedisReplayStore(makeClient(null)).add('id', 60)).toBe(false);
  });

  it.each([undefined, '', 'ok', 1, true, 'QUEUED', Buffer.from('OK')])(
    'takes %p for no answer',
    async (answer) => {
      await expect(new RedisReplayStore(makeClient(answer)).add('id', 60)).rejects.toThrow(
        'Redis answered neither OK nor nil',
      );
    },
  );
});

it('a failure of the store is answered with 503, to be tried again', () => {
  const error = new ReplayStoreError({ detail: 'down', cause: 'timeout' });
  expect(error).toMatchObject({ status: 503, detail: 'down', cause: 'timeout' });
  expect(error.headers).toEqual({ 'Retry-After': '1' });
});
