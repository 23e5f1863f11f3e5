/** Who is checked when: tokens that were not seen before take turns, those that were do not wait for them. */
import { Controller, Get, type INestApplication } from '@nestjs/common';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { TokenValidationService, type AccessTokenClaims } from 'nestjs-resource-server';
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextRound } from 'node:timers/promises';
import { bootApp, PLATFORMS, type Platform, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { AUDIENCE, Issuer } from '../support/issuer.js';
import { withSignature } from '../support/spoil.js';

const contexts = new AsyncLocalStorage<string>();

@Controller('context')
class ContextController {
  @Get()
  read(): { readonly context: string | undefined } {
    return { context: contexts.getStore() };
  }
}

/** As a library for logs or traces does it. */
function keepContexts(nest: INestApplication): void {
  nest.use((request: { headers: Record<string, string> }, _response: unknown, next: () => void) => {
    contexts.run(request.headers['x-context'] ?? '', next);
  });
}

const issuer = await Issuer.start();
const known = issuer.token();
const apps = await Promise.all(
  PLATFORMS.map((platform) =>
    bootApp(issuer.options, { platform, controllers: [ContextController], beforeListening: keepContexts }),
  ),
);
const [app] = apps as [TestApp];
const service = app.nest.get(TokenValidationService);
const validate = (token: string): Promise<AccessTokenClaims> => service.validateAccessToken(token);
await validate(known);

afterAll(async () => {
  await Promise.all(apps.map((each) => each.close()));
  await issuer.close();
});

const MANY = 500;
const forged = (): string[] =>
  Array.from({ length: MANY }, () => withSignature(issuer.token(), ({ length }) => randomBytes(length)));

describe('tokens that were not seen before', () => {
  it('are checked after one that is known, though it came last', async () => {
    const order: string[] = [];
    const flood = forged().map((token) => validate(token).catch(() => order.push('forged')));
    const good = validate(known).then(() => order.push('known'));
    await Promise.all([...flood, good]);
    expect(order).toHaveLength(MANY + 1);
    expect(order[0]).toBe('known');
  });

  it('are checked some at a time: in between, the application does other work', async () => {
    const refused: unknown[] = [];
    const flood = forged().map((token) => validate(token).catch((error: unknown) => refused.push(error)));
    const inEachRound: number[] = [];
    while (refused.length < MANY) {
      const before = refused.length;
      await nextRound();
      inEachRound.push(refused.length - before);
    }
    await Promise.all(flood);
    expect(Math.max(...inEachRound)).toBeLessThanOrEqual(32);
  });

  it('are checked in the order in which they came', async () => {
    const order: number[] = [];
    const tokens = Array.from({ length: 100 }, () => issuer.token());
    await Promise.all(tokens.map((token, index) => validate(token).then(() => order.push(index))));
    expect(order).toEqual([...tokens.keys()]);
  });

  it('are checked once for all who wait', async () => {
    const token = issuer.token();
    const [first, ...others] = await Promise.all([validate(token), validate(token), validate(token)]);
    expect(others).toHaveLength(2);
    for (const other of others) expect(other).toBe(first);
  });

  it('are checked where a test has taken the timers in hand', async () => {
    jest.useFakeTimers();
    try {
      await expect(validate(issuer.token())).resolves.toMatchObject({ sub: 'user-1' });
    } finally {
      jest.useRealTimers();
    }
  });
});

const requestWith = (headers: string): string => `GET /context HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;

/** The answers to requests that come in one piece, on one connection. */
async function sendTogether({ origin }: TestApp, headers: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write(headers.map(requestWith).join(''));
  let answers = '';
  while (answers.split('HTTP/1.1 200').length <= headers.length) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    answers += chunk.toString();
  }
  socket.destroy();
  return answers;
}

/** All requests lie before the server when it looks: each is written at once, on a connection that it has accepted. */
async function sendAtOnce({ origin }: TestApp, tokens: readonly string[]): Promise<readonly number[]> {
  const { hostname, port } = new URL(origin);
  const sockets = await Promise.all(
    tokens.map(async () => {
      const socket = connect(Number(port), hostname);
      socket.write(requestWith(''));
      await once(socket, 'data');
      return socket;
    }),
  );
  const answered: number[] = [];
  const answers = sockets.map(async (socket, index) => {
    await once(socket, 'data');
    answered.push(index);
    socket.destroy();
  });
  for (const [index, socket] of sockets.entries()) {
    socket.write(requestWith(`Authorization: Bearer ${tokens[index]}\r\n`));
  }
  await Promise.all(answers);
  return answered;
}

describe.each(apps.map((each, index) => [PLATFORMS[index] as Platform, each] as const))(
  '%s',
  (platform, each) => {
    it('answers those who are known before it checks those who are not', async () => {
      expect((await each.get('/context', bearer(known))).status).toBe(200);
      const answered = await sendAtOnce(each, [...forged(), known]);
      expect(answered).toHaveLength(MANY + 1);
      expect(answered.indexOf(MANY)).toBeLessThan(MANY / 2);
    });

    it('keeps every request in its own asynchronous context', async () => {
      const contextsSent = Array.from({ length: 50 }, (_, index) => `context-${index}`);
      const answers = await Promise.all(
        contextsSent.map((context) =>
          each.get('/context', { ...bearer(issuer.token()), 'x-context': context }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(contextsSent.map(() => 200));
      expect(answers.map(({ body }) => body)).toEqual(contextsSent.map((context) => ({ context })));
    });

    it('calls functions of the application in the asynchronous context of the request that needs them', async () => {
      const issuers = await Promise.all(Array.from({ length: 3 }, () => Issuer.start()));
      const names = issuers.map(({ server }) => server.issuer);
      const asked = new Map<string, string | undefined>();
      const tenants = await bootApp(
        {
          audience: AUDIENCE,
          issuers: (iss) => {
            asked.set(iss, contexts.getStore());
            return { issuer: iss };
          },
        },
        {
          platform,
          controllers: [ContextController],
          beforeListening: keepContexts,
        },
      );
      const headers = issuers.map(
        (tenant) => `X-Context: ${tenant.server.issuer}\r\nAuthorization: Bearer ${tenant.token()}\r\n`,
      );
      await sendTogether(tenants, headers);
      expect(Object.fromEntries(asked)).toEqual(Object.fromEntries(names.map((name) => [name, name])));
      await Promise.all([tenants, ...issuers].map((opened) => opened.close()));
    });
  },
);
