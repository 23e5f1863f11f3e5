/** Message handlers over TCP, Redis, NATS, RabbitMQ and MQTT 5: where the token is, and what a refused sender reads. */
import { randomUUID } from 'node:crypto';
import type { INestMicroservice } from '@nestjs/common';
import { Controller } from '@nestjs/common';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import {
  AccessToken,
  AnyScope,
  Claims,
  claimsOf,
  CurrentUser,
  OptionalAuth,
  Public,
  Scopes,
  TokenRevocations,
} from 'nestjs-resource-server';
import { firstValueFrom, interval, lastValueFrom, map, Observable, startWith, Subject, tap } from 'rxjs';
import { advanceClock } from '../support/clock.js';
import { Issuer } from '../support/issuer.js';
import {
  connectClient,
  KINDS,
  startMicroservice,
  type HeaderLines,
  type MessageKind,
} from '../support/messages.js';
import { keepSecret, loggedLines } from '../support/no-secrets-in-output.js';
import { describeWith } from '../support/redis.js';

/** Brokers are shared by all that run just now. */
const OWN = `rs-${randomUUID()}`;
const ran = new Subject<string>();

@Controller()
class ThingsController {
  @MessagePattern(`${OWN}/read`)
  @Scopes('read:things')
  read(
    @Payload() payload: unknown,
    @Ctx() context: { readonly user?: unknown },
    @Claims('sub') sub: string,
    @AccessToken() token: string,
    @CurrentUser() user: unknown,
  ): object {
    return {
      payload,
      sub,
      token: token.length,
      isUser: context.user === user && user === claimsOf(context),
    };
  }

  @MessagePattern(`${OWN}/remove`)
  @Scopes('remove:things')
  @AnyScope('read:things', 'other')
  remove(): string {
    ran.next('remove');
    return 'removed';
  }

  @MessagePattern(`${OWN}/any`)
  any(): string {
    ran.next('any');
    return 'any';
  }

  @MessagePattern(`${OWN}/open`)
  @Public()
  open(@Claims() claims: unknown, @AccessToken() token: unknown, @Ctx() context: object): object {
    return { anonymous: claims === undefined && token === undefined && claimsOf(context) === undefined };
  }

  @MessagePattern(`${OWN}/either`)
  @OptionalAuth()
  either(@Claims('sub') sub?: string): object {
    return { sub: sub ?? 'nobody' };
  }

  @MessagePattern(`${OWN}/watch`)
  watch(): Observable<number> {
    return interval(50).pipe(
      startWith(0),
      map((n) => n),
      tap({ unsubscribe: () => ran.next('watch unsubscribed') }),
    );
  }

  @EventPattern(`${OWN}/placed`)
  @Scopes('write:things')
  placed(@Payload('note') note: unknown, @Claims('sub') sub: unknown): void {
    ran.next(`placed ${String(note)} by ${String(sub)}`);
  }
}

const UNAUTHORIZED = { statusCode: 401, message: 'unauthorized', errorCode: 'invalid_token' };
const MISSING = { ...UNAUTHORIZED, errorCode: 'missing_token' };
const BAD_REQUEST = { statusCode: 400, message: 'bad request', errorCode: 'invalid_request' };

const authorized = (token: string, name = 'authorization'): HeaderLines => [[name, `Bearer ${token}`]];

describe.each(KINDS.map((kind) => [kind.name, kind] as const))('messages over %s', (_, kind: MessageKind) => {
  describeWith(kind.available, `${kind.variable} names none`, kind.name, () => {
    let issuer: Issuer;
    let options: MicroserviceOptions;
    let app: INestMicroservice;
    let client: ClientProxy;

    beforeAll(async () => {
      issuer = await Issuer.start();
      options = await kind.options();
      app = await startMicroservice(issuer.options, options, { controllers: [ThingsController] });
      client = connectClient(options);
    });
    afterAll(async () => {
      await client.close();
      await app.close();
      await issuer.close();
    });

    const stream = (
      pattern: string,
      lines: HeaderLines = [],
      data: object = { id: 1 },
    ): Observable<unknown> => client.send(`${OWN}/${pattern}`, kind.record(data, lines));
    /** The answer, or what the sender reads instead. */
    const send = (...args: Parameters<typeof stream>): Promise<unknown> =>
      firstValueFrom(stream(...args)).catch((error: unknown) => ({ refused: error }));
    const emit = (lines: HeaderLines, note: string): Promise<unknown> =>
      lastValueFrom(client.emit(`${OWN}/placed`, kind.record({ note }, lines)), { defaultValue: undefined });

    it('passes the claims of a good token to the handler', async () => {
      const token = issuer.token();
      const answer = { payload: { id: 1 }, sub: 'user-1', token: token.length, isUser: true };
      expect(await send('read', authorized(token))).toEqual(answer);
    });

    it.each(['Authorization', 'AUTHORIZATION'])('finds the token under %s', async (name) => {
      expect(await send('any', authorized(issuer.token(), name))).toBe('any');
    });

    it('has no scheme but Bearer and DPoP, in any case', async () => {
      expect(await send('any', [['authorization', `bEARER ${issuer.token()}`]])).toBe('any');
      expect(await send('any', [['authorization', `Basic ${issuer.token()}`]])).toEqual({ refused: MISSING });
      expect(await send('any', [['authorization', issuer.token()]])).toEqual({ refused: MISSING });
    });

    it('needs no token for a public handler, and looks at none', async () => {
      const anonymous = { anonymous: true };
      expect(await send('open')).toEqual(anonymous);
      expect(await send('open', authorized('garbage'))).toEqual(anonymous);
      expect(await send('open', authorized(issuer.token()))).toEqual(anonymous);
    });

    it('tells absent from wrong where a token is optional', async () => {
      expect(await send('either')).toEqual({ sub: 'nobody' });
      expect(await send('either', authorized(issuer.token()))).toEqual({ sub: 'user-1' });
      expect(await send('either', authorized('garbage'))).toEqual({ refused: UNAUTHORIZED });
    });

    it.each<[string, () => HeaderLines, object]>([
      ['without a token', () => [], MISSING],
      ['with another header', () => [['x-authorization', `Bearer ${issuer.token()}`]], MISSING],
      ['with an empty header', () => [['authorization', '']], MISSING],
      ['with Bearer and nothing', () => [['authorization', 'Bearer']], UNAUTHORIZED],
      [
        'with something behind the token',
        () => [['authorization', `Bearer ${issuer.token()} x`]],
        UNAUTHORIZED,
      ],
      ['with garbage', () => authorized('garbage'), UNAUTHORIZED],
      ['with an expired token', () => authorized(issuer.token({ claims: { exp: 1 } })), UNAUTHORIZED],
      [
        'with a token for another API',
        () => authorized(issuer.token({ claims: { aud: 'x' } })),
        UNAUTHORIZED,
      ],
      ['with 64 KB', () => authorized(keepSecret('x'.repeat(65_000))), UNAUTHORIZED],
      [
        'with a token twice',
        () => {
          const value = `Bearer ${issuer.token()}`;
          return [
            ['authorization', value],
            ['authorization', value],
          ];
        },
        BAD_REQUEST,
      ],
      [
        'with two spellings of the header',
        () => [
          ['authorization', `Bearer ${issuer.token()}`],
          ['Authorization', 'Bearer x'],
        ],
        BAD_REQUEST,
      ],
      ['with a list', () => [['authorization', `Bearer ${issuer.token()}, Bearer x`]], BAD_REQUEST],
      [
        'with a certificate-bound token',
        () => authorized(issuer.token({ claims: { cnf: { 'x5t#S256': 'A'.repeat(43) } } })),
        UNAUTHORIZED,
      ],
      [
        'with a DPoP-bound token as Bearer',
        () => authorized(issuer.token({ claims: { cnf: { jkt: 'A'.repeat(43) } } })),
        UNAUTHORIZED,
      ],
      [
        'with a DPoP-bound token and a proof',
        () => [
          ['authorization', `DPoP ${issuer.token({ claims: { cnf: { jkt: 'A'.repeat(43) } } })}`],
          ['dpop', 'proof'],
        ],
        UNAUTHORIZED,
      ],
    ])('refuses a message %s', async (_name, lines, refused) => {
      const calls: string[] = [];
      const watching = ran.subscribe((call) => calls.push(call));
      expect(await send('any', lines())).toEqual({ refused });
      watching.unsubscribe();
      expect(calls).toEqual([]);
    });

    it('never takes a token from the payload', async () => {
      const token = issuer.token();
      const payload = {
        authorization: `Bearer ${token}`,
        metadata: { authorization: `Bearer ${token}` },
        headers: { authorization: `Bearer ${token}` },
        user: { sub: 'admin' },
        token,
      };
      expect(await send('any', [], payload)).toEqual({ refused: MISSING });
    });

    it('goes on after hostile packets, and runs nothing', async () => {
      const calls: string[] = [];
      const watching = ran.subscribe((call) => calls.push(call));
      const pattern = `${OWN}/any`;
      const value = `Bearer ${issuer.token()}`;
      const packets: unknown[] = [
        'garbage',
        '',
        Buffer.from([0, 255, 254, 1]),
        'null',
        '[]',
        '"x"',
        { id: '1' },
        { pattern, id: '1', data: null },
        { pattern, data: { authorization: value } },
        {
          pattern,
          id: '1',
          data: {},
          headers: { authorization: value },
          properties: { headers: { authorization: value } },
        },
        { pattern, id: '1', data: {}, metadata: [value] },
        { pattern, id: '1', data: {}, metadata: { authorization: { 0: value } } },
        { pattern, id: '1', data: {}, metadata: { a: { authorization: value } } },
        { pattern: '__proto__', id: '1', data: {} },
        { pattern: { toString: 1 }, id: '1', data: {} },
        { pattern, id: '1', data: 'x'.repeat(65_536) },
      ];
      for (const packet of packets) {
        const bytes = Buffer.isBuffer(packet)
          ? packet
          : Buffer.from(typeof packet === 'string' ? packet : JSON.stringify(packet));
        await kind.sendBytes(options, pattern, bytes);
      }
      expect(await send('open')).toEqual({ anonymous: true });
      expect(await send('any', authorized(issuer.token()))).toBe('any');
      watching.unsubscribe();
      expect(calls).toEqual(['any']);
    });

    it('refuses a good token without a scope of the handler', async () => {
      const refused = { statusCode: 403, message: 'forbidden', errorCode: 'insufficient_scope' };
      expect(await send('remove', authorized(issuer.token()))).toEqual({ refused });
    });

    it('ends a streamed reply with its token', async () => {
      const values: unknown[] = [];
      const stopped = firstValueFrom(ran);
      const ended = new Promise((resolve) => {
        stream(
          'watch',
          authorized(issuer.token({ claims: { exp: Math.floor(Date.now() / 1000) + 60 } })),
        ).subscribe({
          next: (value) => {
            values.push(value);
            if (values.length === 2) advanceClock(400);
          },
          error: resolve,
          complete: () => resolve('completed'),
        });
      });
      expect(await ended).toEqual(UNAUTHORIZED);
      expect(await stopped).toBe('watch unsubscribed');
      expect(values.slice(0, 2)).toEqual([0, 0]);
    });

    it('ends a streamed reply whose token is revoked, and no other', async () => {
      const session = (sid: string): HeaderLines =>
        authorized(issuer.token({ claims: { sid, iat: Math.floor(Date.now() / 1000) - 60 } }));
      const others = new Subject<unknown>();
      stream('watch', session('stays')).subscribe(others);
      const stopped = firstValueFrom(ran);
      const ended = new Promise((resolve) => {
        let count = 0;
        stream('watch', session('goes')).subscribe({
          next: () => {
            if (++count === 2) void app.get(TokenRevocations, { strict: false }).revoke({ sid: 'goes' });
          },
          error: resolve,
          complete: () => resolve('completed'),
        });
      });
      expect(await ended).toEqual(UNAUTHORIZED);
      expect(await stopped).toBe('watch unsubscribed');
      expect(await firstValueFrom(others)).toEqual(expect.any(Number));
      const otherEnded = lastValueFrom(others).catch((error: unknown) => error);
      await app.get(TokenRevocations, { strict: false }).revoke({ sid: 'stays' });
      expect(await otherEnded).toEqual(UNAUTHORIZED);
    });

    it('handles an event with a good token only, and logs refused ones once a minute for each reason', async () => {
      const calls: string[] = [];
      const watching = ran.subscribe((call) => calls.push(call));
      const done = firstValueFrom(ran);
      for (let i = 0; i < 5; i++) await emit([], 'without');
      await emit(authorized('garbage'), 'garbage');
      await emit(authorized(issuer.token({ claims: { scope: 'other' } })), 'no scope');
      await emit(authorized(issuer.token()), 'good');
      await done;
      watching.unsubscribe();
      expect(calls).toEqual(['placed good by user-1']);
      const logged = loggedLines().filter((line) => line.includes('rejected an event'));
      expect(logged).toEqual([
        expect.stringContaining('ThingsController.placed: rejected an event: 401 missing_token'),
        expect.stringContaining('ThingsController.placed: rejected an event: 401 invalid_token'),
        expect.stringContaining('ThingsController.placed: rejected an event: 403 insufficient_scope'),
      ]);
      // Nest 12 would log each of them.
      expect(loggedLines().filter((line) => line.includes('RpcExceptionsHandler'))).toEqual([]);
      advanceClock(61);
      const again = firstValueFrom(ran);
      await emit([], 'without');
      await emit(authorized(issuer.token()), 'good');
      await again;
      expect(loggedLines()).toContainEqual(
        expect.stringMatching(
          /rejected an event: 401 missing_token: .* \(and 4 more since this was last logged\)/,
        ),
      );
    });
  });
});
