/** The guard, made of its real parts, asked about calls of every kind: what it admits, what it rejects, what it keeps. */
import 'reflect-metadata';
import { HttpException, type CanActivate, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { WsException } from '@nestjs/websockets';
import { RpcException } from '@nestjs/microservices';
import { jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { lastValueFrom, NEVER, of, type Observable } from 'rxjs';
import {
  Audience,
  CertBound,
  DPoPBound,
  Introspect,
  Issuers,
  OptionalAuth,
  Public,
  Scopes,
  StepUp,
  type AuthModuleOptions,
} from 'nestjs-resource-server';
import { DPoPProofVerifier } from '../../../lib/binding/dpop-proof.js';
import { NonceIssuer } from '../../../lib/binding/dpop-nonce.js';
import { MemoryReplayStore } from '../../../lib/binding/memory-replay-store.js';
import { attachHandshake, type SocketParams } from '../../../lib/credentials/socket-handshake.js';
import { SocketMessage } from '../../../lib/credentials/socket-message.js';
import { AuthError, invalidToken } from '../../../lib/errors/auth.errors.js';
import { AuthGuard } from '../../../lib/guard/auth.guard.js';
import { knownCaller } from '../../../lib/guard/caller.js';
import { DECISION_CHANNEL, type DecisionEvent } from '../../../lib/guard/decision-events.js';
import { GuardInPlace } from '../../../lib/guard/guard-in-place.js';
import { interceptSubscriptions } from '../../../lib/guard/graphql/subscription.interceptor.js';
import { REPLY_INTERCEPTOR } from '../../../lib/guard/rpc/streamed-replies.js';
import { Connection } from '../../../lib/guard/sockets/connection.js';
import { HandshakeContext } from '../../../lib/guard/sockets/handshake.js';
import type { Place } from '../../../lib/guard/sockets/places.js';
import { OpenStreams } from '../../../lib/guard/streams/open-streams.js';
import type { ResolvedOptions } from '../../../lib/options/auth-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { registerHandlers } from '../../../lib/policy/handlers.js';
import { readRoutePolicy } from '../../../lib/policy/route-policy.js';
import { attachPrincipal, principalOf } from '../../../lib/principal/authenticated-request.js';
import type { Revocation } from '../../../lib/revocation/revocation.js';
import { createTokenValidator, type TokenValidator } from '../../../lib/validation/token-validator.js';
import { advanceClock, holdClock } from '../../support/clock.js';
import { DPoPClient } from '../../support/dpop.js';
import { bearer } from '../../support/http.js';
import { AUDIENCE, Issuer } from '../../support/issuer.js';
import '../../support/output-logger.js';
import { nowInSeconds } from '../../support/tokens.js';

const USER_OF = Symbol.for('nestjs.authentication.userOf');
const HANDLER_TYPE = 'microservices:handler_type';
const SSE = '__sse__';

class Routes {
  list(): void {}
  other(): void {}
  @Public() open(): void {}
  @OptionalAuth() maybe(): void {}
  @Scopes('write:things') scoped(): void {}
  @Scopes('admin') admin(): void {}
  @CertBound() certificate(): void {}
  @DPoPBound() bound(): void {}
  @Introspect() introspected(): void {}
  @Introspect({ maxAge: 10 }) lately(): void {}
  @Issuers('nobody') issued(): void {}
  @Audience('https://other.example.com') audience(): void {}
  @StepUp({ maxAge: 300 }) recently(): void {}
  events(): void {}
  message(): void {}
  subscribed(): void {}
}
type Route = keyof Routes;

/** A class that no application has registered. */
class Unregistered extends Routes {
  override message(): void {}
}

type Headers = Readonly<Record<string, string | readonly string[]>>;
interface Request {
  readonly headers: Headers;
  [property: string]: unknown;
}

function requestWith(headers: Headers = {}, more: object = {}): Request {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((line) => [name, line]),
  );
  return { method: 'GET', url: '/orders', headers, rawHeaders, ...more };
}

class Response extends EventEmitter {
  readonly written: Record<string, unknown> = {};
  header(name: string, value: unknown): void {
    this.written[name] = value;
  }
}

function hostOf(
  type: string,
  args: unknown[],
  route: Route,
  owner: typeof Routes = Routes,
): ExecutionContext {
  const host = new ExecutionContextHost(args, owner, owner.prototype[route]);
  host.setType(type);
  return host;
}

const http = (route: Route, request: Request = requestWith(), response = new Response()): ExecutionContext =>
  hostOf('http', [request, response], route);

/** @param context what the resolvers of one operation share */
function field(route: Route, context: object, operation = 'query'): ExecutionContext {
  const info = { fieldNodes: [], fieldName: route, operation: { operation }, path: { prev: undefined } };
  return hostOf('graphql', [undefined, {}, context, info], route);
}

const message = (route: Route, context: unknown): ExecutionContext => hostOf('rpc', [{}, context], route);
/** As NATS has headers. */
const headersOf = (headers: object): object => ({ getHeaders: () => Object.entries(headers) });

class TestConnection extends Connection {
  readonly told: AuthError[] = [];
  protected disconnect(_client: object, error: AuthError): void {
    this.told.push(error);
  }
}

function connect(headers: Headers = {}, params: SocketParams = { kind: 'ws' }, route: Route = 'list') {
  const place: Place = {
    name: '/chat',
    metatype: Routes,
    policy: readRoutePolicy(Routes, Routes.prototype[route]),
    keepsRequest: false,
    application: {},
  };
  const client = {};
  const connection = new TestConnection(place, requestWith(headers) as never, params);
  attachHandshake(client, connection);
  const handshake = new HandshakeContext(place, client);
  const send = (to: Route): ExecutionContext =>
    hostOf('ws', [client, {}, undefined, new SocketMessage(), 'pattern'], to);
  return { client: client as Record<string, unknown>, connection, handshake, send };
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

const revocation = (): Revocation => ({
  id: 'one',
  match: { sub: 'user-1' },
  before: nowInSeconds() + 1,
  until: nowInSeconds() + 1000,
});

interface Parts {
  readonly guard: AuthGuard;
  readonly options: ResolvedOptions;
  readonly tokens: TokenValidator;
  readonly streams: OpenStreams;
  readonly proofs: DPoPProofVerifier | null;
}

/** `true`, or the status and the reason of the rejection. */
async function decide(guard: AuthGuard, context: ExecutionContext): Promise<unknown> {
  try {
    return await guard.canActivate(context);
  } catch (error) {
    const { cause } = error as Error;
    return cause instanceof AuthError ? `${cause.status} ${cause.reason}` : '500 internal error';
  }
}

async function thrownBy(guard: AuthGuard, context: ExecutionContext): Promise<Error> {
  try {
    await guard.canActivate(context);
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was rejected');
}

describe('AuthGuard', () => {
  let issuer: Issuer;
  let client: DPoPClient;
  const made: Parts[] = [];
  const events: DecisionEvent[] = [];
  const note = (event: unknown): void => void events.push(event as DecisionEvent);

  beforeAll(async () => {
    registerHandlers(Routes, new Routes());
    Reflect.defineMetadata(HANDLER_TYPE, 1, Routes.prototype.message);
    Reflect.defineMetadata(HANDLER_TYPE, 1, Unregistered.prototype.message);
    Reflect.defineMetadata(SSE, true, Routes.prototype.events);
    Reflect.defineMetadata('graphql:resolver_type', 'Subscription', Routes.prototype.subscribed);
    const providers = new Map([['', { metatype: Routes, instance: new Routes() }]]);
    interceptSubscriptions(new Map([['', { providers }]]) as unknown as ModulesContainer);
    issuer = await Issuer.start();
    client = await DPoPClient.make();
  });
  afterAll(() => issuer.close());
  beforeEach(() => subscribe(DECISION_CHANNEL, note));
  afterEach(() => {
    unsubscribe(DECISION_CHANNEL, note);
    events.length = 0;
    for (const { streams } of made.splice(0)) streams.onModuleDestroy();
  });

  function make(given: Partial<AuthModuleOptions> = {}, inPlace?: GuardInPlace): Parts {
    const log = {
      warn: () => undefined,
      error: () => undefined,
      debug: () => undefined,
      log: () => undefined,
    };
    const options = resolveOptions({ ...issuer.options, publicUrl: AUDIENCE, ...given }, () => undefined);
    const { dpop, clockSkew } = options;
    const tokens = createTokenValidator(options, log as never);
    const streams = new OpenStreams(options, tokens.revocations);
    const nonces = dpop.nonce === undefined ? undefined : new NonceIssuer(dpop.nonce);
    const proofs =
      dpop.mode === 'off'
        ? null
        : new DPoPProofVerifier({ ...dpop, clockSkew }, new MemoryReplayStore(), nonces);
    const parts = {
      options,
      tokens,
      streams,
      proofs,
      guard: new AuthGuard(tokens, options, proofs, streams, inPlace),
    };
    made.push(parts);
    return parts;
  }
  const withToken = (token: string = issuer.token()): Request => requestWith(bearer(token));
  const boundToken = (claims: object = {}): string =>
    issuer.token({ claims: { cnf: { jkt: client.jkt }, ...claims } });
  const proofHeaders = (token: string, url = `${AUDIENCE}/orders`): Record<string, string> =>
    client.headers({ url, token });
  const decided = (): unknown[] => events.map(({ outcome, reason, scheme }) => [outcome, reason, scheme]);

  // First in the file: nothing of Nest's packages is loaded before.
  it.each<[string, () => ExecutionContext, new (...args: never[]) => Error]>([
    ['a gateway', () => connect().send('list'), WsException],
    ['a microservice', () => message('message', {}), RpcException],
  ])('rejects the first message of %s with the exception that Nest expects', async (_, context, expected) => {
    expect(await thrownBy(make().guard, context())).toBeInstanceOf(expected);
  });

  describe('of an HTTP request', () => {
    it('admits a good token, and keeps whose it is', async () => {
      const { guard } = make();
      const request = withToken();
      expect(await decide(guard, http('list', request))).toBe(true);
      expect(principalOf(request)?.claims.sub).toBe('user-1');
      expect(request['user']).toBe(principalOf(request)?.claims);
      expect(request[USER_OF as never]).toBeInstanceOf(Function);
      expect(events).toMatchObject([
        { outcome: 'allowed', reason: 'token', scheme: 'Bearer', issuer: issuer.server.issuer },
      ]);
    });

    it('keeps the user where the options say, or nowhere', async () => {
      const [own, none] = [withToken(), withToken()];
      await decide(make({ userProperty: 'account' }).guard, http('list', own));
      await decide(make({ userProperty: false }).guard, http('list', none));
      expect([own['user'], own['account']]).toEqual([undefined, principalOf(own)?.claims]);
      expect([none['user'], principalOf(none)?.claims.sub]).toEqual([undefined, 'user-1']);
    });

    it('rejects what has no token, or a bad one, and keeps nobody', async () => {
      const { guard } = make();
      for (const [headers, outcome] of [
        [{}, '401 missing_token'],
        [bearer('a.b.c'), '401 malformed'],
        [bearer(issuer.token({ claims: { exp: 1 } })), '401 expired'],
        [bearer(issuer.token({ claims: { aud: 'https://other.example' } })), '401 audience'],
        [{ authorization: ['Bearer a', 'Bearer b'] }, '400 invalid_request'],
      ] as const) {
        const request = requestWith(headers);
        expect(await decide(guard, http('list', request))).toBe(outcome);
        expect(principalOf(request)).toBeUndefined();
      }
      expect(events.map(({ outcome }) => outcome)).toEqual(Array(5).fill('refused'));
    });

    it('rejects a token that does not meet what the route requires', async () => {
      const { guard } = make();
      const outcomes: Record<string, unknown> = {};
      for (const route of [
        'scoped',
        'admin',
        'issued',
        'audience',
        'certificate',
        'bound',
        'recently',
      ] as const) {
        const request = withToken();
        outcomes[route] = await decide(guard, http(route, request));
        expect(principalOf(request) === undefined).toBe(route !== 'scoped');
      }
      expect(outcomes).toEqual({
        scoped: true,
        admin: '403 scope',
        issued: '401 issuer',
        audience: '401 audience',
        certificate: '401 binding',
        bound: '401 binding',
        recently: '401 authentication',
      });
    });

    it('names in the challenge what the route requires, and how the token came', async () => {
      const { guard } = make();
      const response = new Response();
      await decide(guard, http('admin', withToken(), response));
      expect(response.written).toEqual({
        'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="admin"',
      });
      const token = boundToken();
      await decide(guard, http('admin', requestWith(proofHeaders(token)), response));
      expect(response.written['WWW-Authenticate']).toEqual([
        expect.stringMatching(/^DPoP error="insufficient_scope", scope="admin"/),
        'Bearer',
      ]);
    });

    it('names no issuer of several before the token has told it', async () => {
      const { issuer: name } = issuer.options as { readonly issuer: string };
      const audience = AUDIENCE;
      const issuers = [
        { name: 'own', issuer: name, audience },
        { name: 'other', issuer: 'https://other.example', audience },
      ];
      const { guard } = make({ issuer: undefined, audience: undefined, issuers } as never);
      expect(await decide(guard, http('list'))).toBe('401 missing_token');
      expect(await decide(guard, http('list', withToken()))).toBe(true);
      expect(events.map((event) => event.issuer)).toEqual([undefined, 'own']);
    });

    it('reads no token of a public route, and says that nobody is signed in', async () => {
      const { guard } = make();
      const request = requestWith(bearer('a.b.c'));
      expect(await decide(guard, http('open', request))).toBe(true);
      expect(principalOf(request)).toBeUndefined();
      expect(request[USER_OF as never]).toBeInstanceOf(Function);
      expect(decided()).toEqual([['allowed', 'public', undefined]]);
    });

    it('leaves alone what is kept on the request of a public route', async () => {
      const request = requestWith();
      const principal = { claims: {}, token: 'a' } as never;
      attachPrincipal(request, principal, 'user');
      await decide(make().guard, http('open', request));
      expect(principalOf(request)).toBe(principal);
    });

    it('admits a request without a token where one is optional, and rejects a bad one', async () => {
      const { guard } = make();
      expect(await decide(guard, http('maybe'))).toBe(true);
      expect(await decide(guard, http('maybe', requestWith(bearer('a.b.c'))))).toBe('401 malformed');
      expect(await decide(guard, http('maybe', withToken()))).toBe(true);
      expect(decided()).toEqual([
        ['allowed', 'anonymous', undefined],
        ['refused', 'malformed', 'Bearer'],
        ['allowed', 'token', 'Bearer'],
      ]);
    });

    it('rejects a handler of a class that was not there at start', async () => {
      const { guard } = make();
      for (const route of ['list', 'open'] as const) {
        const context = hostOf('http', [withToken(), new Response()], route, Unregistered);
        expect((await thrownBy(guard, context)).cause).toMatchObject({
          status: 500,
          message: 'Unregistered was not registered at start-up: its decorators were never checked',
        });
      }
    });

    it('decides once for a route, and anew for another route or by another module', async () => {
      const { guard } = make();
      const request = withToken();
      expect(await decide(guard, http('list', request))).toBe(true);
      expect(await decide(guard, http('list', request))).toBe(true);
      expect(events).toHaveLength(1);
      expect(await decide(guard, http('admin', request))).toBe('403 scope');
      expect(await decide(make().guard, http('list', request))).toBe(true);
      expect(events).toHaveLength(3);
    });

    it('does not keep a decision for a request that was rejected', async () => {
      const { guard } = make();
      const request = withToken();
      for (let time = 0; time < 2; time++)
        expect(await decide(guard, http('admin', request))).toBe('403 scope');
    });

    it('keeps nothing of a token that is at hand', async () => {
      const { guard, options } = make();
      const token = issuer.token();
      await decide(guard, http('list', withToken(token)));
      const request = withToken(token);
      expect(await decide(guard, http('list', request))).toBe(true);
      const call = { carrier: request, request, connection: undefined, operation: request };
      expect(knownCaller(call as never, options)).toBeUndefined();
    });

    it('waits for those who came with it, once', async () => {
      const { guard, tokens } = make();
      const waited = jest.spyOn(tokens.queue, 'waitForBatch');
      const request = withToken();
      await decide(guard, http('list', request));
      await decide(guard, http('other', request));
      expect(waited.mock.calls).toEqual([[request]]);
      // Also who is to be rejected.
      await decide(guard, http('admin', withToken()));
      expect(waited).toHaveBeenCalledTimes(2);
      const order: string[] = [];
      const batch = withResolvers();
      waited.mockReturnValueOnce(batch.promise);
      const late = withToken();
      const decision = decide(guard, http('list', late)).then((outcome) =>
        order.push(`decided: ${String(outcome)}`),
      );
      while (waited.mock.calls.length < 3) await nextTurn();
      await nextTurn();
      expect(principalOf(late)).toBeUndefined();
      order.push('the batch is there');
      batch.resolve();
      await decision;
      expect(order).toEqual(['the batch is there', 'decided: true']);
    });

    it('rejects a revoked token', async () => {
      const { guard, tokens } = make();
      const token = issuer.token();
      expect(await decide(guard, http('list', withToken(token)))).toBe(true);
      await tokens.revocations.add(revocation());
      expect(await decide(guard, http('list', withToken(token)))).toBe('401 revoked');
    });
  });

  describe('an error of its own', () => {
    const boom = (): never => {
      throw new Error('boom');
    };
    it.each<[string, Partial<AuthModuleOptions>, (parts: Parts) => unknown]>([
      ['in the resolver of tokens', { tokenResolver: boom }, () => undefined],
      ['in loadUser', { loadUser: boom }, () => undefined],
      ['in the validation', {}, ({ tokens }) => jest.spyOn(tokens, 'validate').mockImplementation(boom)],
      [
        'in the validation, later',
        {},
        ({ tokens }) => jest.spyOn(tokens, 'validate').mockRejectedValue(new Error('boom')),
      ],
      ['in the options', {}, ({ tokens }) => jest.spyOn(tokens, 'optionsOf').mockImplementation(boom)],
      [
        'in the revocations',
        {},
        ({ tokens }) => jest.spyOn(tokens.revocations, 'check').mockImplementation(boom),
      ],
      ['in the queue', {}, ({ tokens }) => jest.spyOn(tokens.queue, 'waitForBatch').mockImplementation(boom)],
      [
        'in the verification of a proof',
        {},
        ({ proofs }) => proofs && jest.spyOn(proofs, 'verify').mockRejectedValue(new Error('boom')),
      ],
    ])('%s admits nobody, wherever the call comes from', async (_, given, spoil) => {
      const parts = make(given);
      spoil(parts);
      const token = boundToken();
      const request = requestWith(proofHeaders(token));
      for (const context of [
        http('list', request),
        http('maybe', request),
        field('list', { req: request }),
      ]) {
        expect(await decide(parts.guard, context)).toMatch(/^500 /);
        expect(principalOf(request)).toBeUndefined();
      }
      expect(events.map(({ outcome, status }) => [outcome, status])).toEqual(
        [1, 2, 3].map(() => ['refused', 500]),
      );
    });
  });

  describe('in the place of a test', () => {
    it('is whatever the test has put there', async () => {
      const inPlace = new GuardInPlace();
      const { guard } = make({}, inPlace);
      expect(await decide(guard, http('list'))).toBe('401 missing_token');
      for (const answer of [true, false]) {
        inPlace.guard = { canActivate: () => answer } satisfies CanActivate;
        expect(await decide(guard, http('list'))).toBe(answer);
      }
    });
  });

  describe('in a context of an unknown kind', () => {
    it('admits public handlers only', async () => {
      const { guard } = make();
      expect(await decide(guard, hostOf('telegraf', [{}], 'open'))).toBe(true);
      const error = await thrownBy(guard, hostOf('telegraf', [withToken()], 'list'));
      expect(error.cause).toMatchObject({ status: 401, code: 'unsupported_context' });
      expect(String((error.cause as AuthError).detail ?? error.cause)).toContain('telegraf');
    });

    it('takes nothing for a field that was admitted', async () => {
      const { guard } = make();
      const admitted = field('list', { req: withToken() });
      expect(await decide(guard, admitted)).toBe(true);
      const context = hostOf('telegraf', admitted.getArgs(), 'list');
      expect(await decide(guard, context)).toMatch(/^401 /);
    });
  });

  describe('with a resolver of tokens', () => {
    it('asks it once for all fields of a request', async () => {
      let asked = 0;
      const token = issuer.token();
      const tokenResolver = (): Promise<string> => {
        asked += 1;
        return Promise.resolve(token);
      };
      const { guard } = make({ tokenResolver });
      const request = requestWith();
      const context = { req: request };
      const outcomes = await Promise.all(
        (['list', 'other', 'admin'] as const).map((route) => decide(guard, field(route, context))),
      );
      expect(outcomes).toEqual([true, true, '403 scope']);
      expect(asked).toBe(1);
    });
  });

  describe('with introspection', () => {
    it('asks the provider once for all fields that accept an answer of the same age', async () => {
      const { guard } = make(issuer.introspecting);
      const token = issuer.opaqueToken();
      const before = issuer.server.introspections.length;
      const context = { req: withToken(token) };
      const outcomes = await Promise.all(
        (['list', 'other', 'admin'] as const).map((route) => decide(guard, field(route, context))),
      );
      expect(outcomes).toEqual([true, true, '403 scope']);
      expect(issuer.server.introspections.length - before).toBe(1);
      for (const route of ['introspected', 'introspected', 'list'] as const)
        expect(await decide(guard, field(route, context))).toBe(true);
      expect(issuer.server.introspections.length - before).toBe(2);
    });

    it('asks it of a JWT where the route says so', async () => {
      const { guard } = make(issuer.introspecting);
      const before = issuer.server.introspections.length;
      expect(await decide(guard, http('list', withToken()))).toBe(true);
      expect(issuer.server.introspections.length - before).toBe(0);
      expect(await decide(guard, http('introspected', withToken()))).toBe('401 inactive');
      expect(issuer.server.introspections.length - before).toBe(1);
    });

    it('rejects, for a later field, a token that has ended since it was validated', async () => {
      const { guard } = make(issuer.introspecting);
      holdClock();
      const token = issuer.opaqueToken({ exp: nowInSeconds() + 100 });
      const context = { req: withToken(token) };
      expect(await decide(guard, field('lately', context))).toBe(true);
      advanceClock(5000);
      expect(await decide(guard, field('lately', context))).toBe('401 expired');
    });

    it('validates once also what is rejected', async () => {
      const { guard } = make(issuer.introspecting);
      const before = issuer.server.introspections.length;
      const context = { req: withToken('nobody-knows-this-one') };
      for (const route of ['list', 'other', 'maybe'] as const)
        expect(await decide(guard, field(route, context))).toBe('401 inactive');
      expect(issuer.server.introspections.length - before).toBe(1);
    });
  });

  describe('of a GraphQL request', () => {
    const admittedField = async (parts: Parts, token = issuer.token()) => {
      const request = withToken(token);
      const context = { req: request };
      expect(await decide(parts.guard, field('list', context))).toBe(true);
      return { request, context };
    };

    it('answers at once for a field that was admitted, and says so', async () => {
      const parts = make();
      const { context } = await admittedField(parts);
      expect(parts.guard.canActivate(field('list', context))).toBe(true);
      expect(events).toHaveLength(2);
      const [first, second] = events;
      expect(second).toEqual({ ...first, duration: expect.any(Number) });
    });

    it('decides anew for another field, another request, and by another module', async () => {
      const parts = make();
      const { context } = await admittedField(parts);
      expect(await decide(parts.guard, field('admin', context))).toBe('403 scope');
      expect(await decide(parts.guard, field('list', { req: requestWith() }))).toBe('401 missing_token');
      expect(make().guard.canActivate(field('list', context))).toBeInstanceOf(Promise);
    });

    it('rejects a field that was admitted before the token ended', async () => {
      holdClock();
      const parts = make();
      const { context } = await admittedField(parts, issuer.token({ claims: { exp: nowInSeconds() + 100 } }));
      advanceClock(5000);
      expect(await decide(parts.guard, field('list', context))).toBe('401 expired');
    });

    it('rejects a field that was admitted before the token was revoked', async () => {
      const parts = make();
      const { context } = await admittedField(parts);
      await parts.tokens.revocations.add(revocation());
      expect(await decide(parts.guard, field('list', context))).toBe('401 revoked');
    });

    it('does not remember a field that was rejected, or whose requirement depends on the time', async () => {
      holdClock();
      const parts = make();
      const context = { req: withToken(issuer.token({ claims: { auth_time: nowInSeconds() } })) };
      expect(await decide(parts.guard, field('admin', context))).toBe('403 scope');
      expect(await decide(parts.guard, field('admin', context))).toBe('403 scope');
      expect(await decide(parts.guard, field('recently', context))).toBe(true);
      advanceClock(400);
      expect(await decide(parts.guard, field('recently', context))).toBe('401 authentication');
    });

    it('keeps the principal that it admitted, and leaves alone what was made of the user since', async () => {
      const parts = make();
      const { request, context } = await admittedField(parts);
      const principal = principalOf(request);
      request['user'] = 'a row of the database';
      expect(parts.guard.canActivate(field('list', context))).toBe(true);
      expect(request['user']).toBe('a row of the database');
      attachPrincipal(request, { claims: {}, token: 'another' } as never, 'user');
      expect(parts.guard.canActivate(field('list', context))).toBe(true);
      expect(principalOf(request)).toBe(principal);
      expect(request['user']).toBe(principal?.claims);
    });

    it('decides anew on each subscription', async () => {
      const { guard } = make();
      const context = { req: withToken() };
      for (let time = 0; time < 2; time++) {
        const answer = guard.canActivate(field('list', context, 'subscription'));
        expect(answer).toBeInstanceOf(Promise);
        await expect(answer).resolves.toBe(true);
      }
    });

    it('rejects what names no request', async () => {
      const { guard } = make();
      for (const context of [field('list', {}), hostOf('graphql', [{}, {}], 'list')]) {
        const { cause } = await thrownBy(guard, context);
        expect(cause).toMatchObject({ status: 500, message: 'no request' });
        expect((cause as AuthError).detail).toContain('the GraphQL context has no request');
      }
      // A public field needs none.
      expect(await decide(guard, field('open', {}))).toBe(true);
    });

    it('decides on every field of a WebSocket, whose request is the same', async () => {
      const { guard, tokens } = make();
      const upgrade = requestWith({ ...bearer(issuer.token()), upgrade: 'websocket' });
      const context = { req: { extra: { request: upgrade }, connectionParams: {} } };
      for (let time = 0; time < 2; time++) {
        const answer = guard.canActivate(field('list', context));
        expect(answer).toBeInstanceOf(Promise);
        await expect(answer).resolves.toBe(true);
      }
      expect(await decide(guard, field('open', context))).toBe(true);
      expect(principalOf(context.req)?.claims.sub).toBe('user-1');
      expect(events).toHaveLength(3);
      await tokens.revocations.add(revocation());
      expect(await decide(guard, field('list', context))).toBe('401 revoked');
    });

    it('of a class that was not there at start is a resolver, which no module needs to register', async () => {
      const host = field('list', { req: withToken() });
      for (const route of ['list', 'message'] as const) {
        const context = hostOf('graphql', host.getArgs(), route, Unregistered);
        expect(await decide(make().guard, context)).toBe(true);
      }
    });

    it('waits once for those who came with it', async () => {
      const parts = make();
      const waited = jest.spyOn(parts.tokens.queue, 'waitForBatch');
      const { context } = await admittedField(parts);
      expect(await decide(parts.guard, field('scoped', context))).toBe(true);
      expect(waited).toHaveBeenCalledTimes(1);
    });
  });

  describe('with loadUser', () => {
    const loading = () => {
      const loaded: unknown[] = [];
      const loadUser = ({ sub }: { readonly sub?: unknown }): Promise<unknown> => {
        loaded.push(sub);
        return Promise.resolve({ row: sub });
      };
      return { loaded, parts: make({ loadUser }) };
    };

    it('loads the user once for all fields of a request, and keeps it', async () => {
      const { loaded, parts } = loading();
      const request = withToken();
      const context = { req: request };
      const outcomes = await Promise.all(
        (['list', 'list', 'other', 'admin'] as const).map((route) =>
          decide(parts.guard, field(route, context)),
        ),
      );
      expect(outcomes).toEqual([true, true, true, '403 scope']);
      expect(await decide(parts.guard, field('list', context))).toBe(true);
      expect(loaded).toEqual(['user-1']);
      expect(request['user']).toEqual({ row: 'user-1' });
      expect(principalOf(request)?.user).toEqual({ row: 'user-1' });
    });

    it('rejects where there is no such user', async () => {
      const { guard } = make({ loadUser: () => null });
      const request = withToken();
      expect(await decide(guard, http('list', request))).toBe('401 unknown_user');
      expect(principalOf(request)).toBeUndefined();
    });

    it('loads no user for a handshake, but for each message', async () => {
      const { loaded, parts } = loading();
      const { client: socket, handshake, send } = connect(bearer(issuer.token()));
      expect(await decide(parts.guard, handshake)).toBe(true);
      expect(loaded).toEqual([]);
      expect(Object.keys(socket)).toEqual([]);
      expect(await decide(parts.guard, send('list'))).toBe(true);
      expect(await decide(parts.guard, send('list'))).toBe(true);
      expect(loaded).toEqual(['user-1', 'user-1']);
      expect(socket['user']).toEqual({ row: 'user-1' });
    });
  });

  describe('of a connection of a gateway', () => {
    it('admits the handshake, and the connection belongs to the holder of the token', async () => {
      const { guard, options } = make();
      const { client: socket, connection, handshake, send } = connect(bearer(issuer.token()));
      expect(await decide(guard, handshake)).toBe(true);
      expect(connection.token?.claims.sub).toBe('user-1');
      expect(socket['user']).toBe(connection.token?.claims);
      expect(await decide(guard, send('list'))).toBe(true);
      // Of what the connection knows itself, nothing is kept beside it.
      const call = { carrier: socket, request: connection.request, connection, operation: socket };
      expect(knownCaller(call, options)).toBeUndefined();
      expect(await decide(guard, send('admin'))).toBe('403 scope');
    });

    it('rejects a handshake that the place does not admit', async () => {
      const { guard } = make();
      expect(await decide(guard, connect().handshake)).toBe('401 missing_token');
      expect(await decide(guard, connect({}, { kind: 'ws' }, 'maybe').handshake)).toBe(true);
      expect(await decide(guard, connect(bearer(issuer.token()), { kind: 'ws' }, 'admin').handshake)).toBe(
        '403 scope',
      );
    });

    it('belongs to whom its first message has a token of, where the place is public', async () => {
      const { guard, options } = make();
      const {
        client: socket,
        connection,
        handshake,
        send,
      } = connect(bearer(issuer.token()), { kind: 'ws' }, 'open');
      expect(await decide(guard, handshake)).toBe(true);
      expect(connection.token).toBeUndefined();
      expect(await decide(guard, send('list'))).toBe(true);
      expect(connection.token?.claims.sub).toBe('user-1');
      const call = { carrier: socket, request: connection.request, connection, operation: socket };
      expect(knownCaller(call, options)).toBeUndefined();
    });

    it('has nobody on it for a public message, whoever it belongs to', async () => {
      const { guard } = make();
      const { client: socket, handshake, send } = connect(bearer(issuer.token()));
      await decide(guard, handshake);
      expect(principalOf(socket)).toBeDefined();
      expect(await decide(guard, send('open'))).toBe(true);
      expect([principalOf(socket), socket['user']]).toEqual([undefined, undefined]);
      expect(await decide(guard, send('list'))).toBe(true);
      expect(principalOf(socket)?.claims.sub).toBe('user-1');
    });

    it('decides once for a message, and anew for the next one', async () => {
      const { guard } = make();
      const { handshake, send } = connect(bearer(issuer.token()));
      await decide(guard, handshake);
      const sent = send('list');
      events.length = 0;
      for (const context of [sent, sent, send('list')]) expect(await decide(guard, context)).toBe(true);
      expect(events).toHaveLength(2);
    });

    it('decides on each message that nothing tells apart', async () => {
      const { guard } = make();
      const { client: socket, handshake } = connect(bearer(issuer.token()));
      await decide(guard, handshake);
      events.length = 0;
      for (let time = 0; time < 2; time++)
        expect(await decide(guard, hostOf('ws', [socket, {}], 'list'))).toBe(true);
      expect(events).toHaveLength(2);
    });

    it('rejects what comes after its token ended, also what is public', async () => {
      const { guard, streams } = make();
      const { client: socket, connection, handshake, send } = connect(bearer(issuer.token()));
      await decide(guard, handshake);
      connection.open(socket, streams);
      expect(await decide(guard, send('open'))).toBe(true);
      connection.end(new TypeError('for the test') as never);
      for (const route of ['list', 'open'] as const)
        expect(await decide(guard, send(route))).toBe('401 expired');
    });

    it('rejects a client that passed no handshake', async () => {
      const { guard } = make();
      const { cause } = await thrownBy(guard, hostOf('ws', [{}, {}], 'list'));
      expect(cause).toMatchObject({ status: 500, message: 'no request' });
    });

    it('counts the tolerance of its issuer', async () => {
      const { guard } = make({ clockTolerance: 7 });
      const { connection, handshake } = connect(bearer(issuer.token()));
      await decide(guard, handshake);
      expect(connection.clockTolerance).toBe(7);
    });

    it('has its signature verified once, however many tokens are remembered', async () => {
      const { guard, tokens } = make();
      const { connection, handshake, send } = connect(bearer(issuer.token()));
      await decide(guard, handshake);
      const validate = jest.spyOn(tokens, 'validate');
      await decide(guard, send('list'));
      expect(validate.mock.calls.map(([, , , held]) => held)).toEqual([connection.token]);
    });

    it('asks a resolver once for what the client connected with', async () => {
      let asked = 0;
      const token = issuer.token();
      const tokenResolver = (): string => {
        asked += 1;
        return token;
      };
      const { guard } = make({ tokenResolver });
      const { handshake, send } = connect({}, { kind: 'ws' }, 'open');
      await decide(guard, handshake);
      const outcomes = await Promise.all([send('list'), send('other')].map((each) => decide(guard, each)));
      expect(outcomes).toEqual([true, true]);
      expect(await decide(guard, send('scoped'))).toBe(true);
      expect(asked).toBe(1);
    });
  });

  describe('of a message of a microservice', () => {
    it('admits a good token in its header, and rejects the others', async () => {
      const { guard } = make();
      const context = headersOf(bearer(issuer.token()));
      expect(await decide(guard, message('message', context))).toBe(true);
      expect(principalOf(context)?.claims.sub).toBe('user-1');
      expect(await decide(guard, message('message', headersOf({})))).toBe('401 missing_token');
      expect(await decide(guard, message('message', headersOf(bearer('a.b.c'))))).toBe('401 malformed');
      const { cause } = await thrownBy(guard, hostOf('rpc', [{}], 'message'));
      expect(cause).toMatchObject({ status: 500, message: 'no request' });
    });

    it('keeps nothing on a context that messages may share', async () => {
      const { guard, options } = make(issuer.introspecting);
      const sent = [issuer.opaqueToken(), issuer.opaqueToken({ sub: 'user-2' }), 'inactive'];
      const headers: Record<string, string> = {};
      const context = { getHeaders: () => Object.entries(headers) };
      const outcomes: unknown[] = [];
      for (const token of sent) {
        Object.assign(headers, bearer(token));
        outcomes.push([await decide(guard, message('message', context)), principalOf(context)?.claims.sub]);
      }
      expect(outcomes.slice(0, 2)).toEqual([
        [true, 'user-1'],
        [true, 'user-2'],
      ]);
      expect(outcomes[2]).toEqual(['401 inactive', 'user-2']);
      const call = { carrier: context, request: { headers: {} }, connection: undefined, operation: context };
      expect(knownCaller(call, options)).toBeUndefined();
      expect(events).toHaveLength(3);
    });

    it('is rejected where its class was not there at start, and is no handler of a controller otherwise', async () => {
      const { guard } = make();
      const context = (): object => headersOf(bearer(issuer.token()));
      const registered = hostOf('rpc', [{}, context()], 'message', Unregistered);
      expect((await thrownBy(guard, registered)).cause).toMatchObject({ status: 500 });
      const foreign = hostOf('rpc', [{}, context()], 'list', Unregistered);
      expect(await decide(guard, foreign)).toBe(true);
    });

    it('needs a certificate where its token is bound to one, and takes that of its connection', async () => {
      const { guard } = make();
      const raw = Buffer.from('the certificate of the client');
      const x5t = createHash('sha256').update(raw).digest('base64url');
      const token = issuer.token({ claims: { cnf: { 'x5t#S256': x5t } } });
      class Metadata {
        get = (name: string): string[] => (name === 'authorization' ? [`Bearer ${token}`] : []);
        getMap = (): object => ({});
        toHttp2Headers = (): object => ({});
        set = (): void => undefined;
      }
      const metadata = new Metadata();
      const call = (certificate: Buffer | undefined): object => ({
        metadata,
        getPeer: () => 'peer',
        getAuthContext: () => ({ sslPeerCertificate: certificate && { raw: certificate } }),
      });
      const rpc = (certificate?: Buffer): ExecutionContext =>
        hostOf('rpc', [{}, metadata, call(certificate)], 'message');
      expect(await decide(guard, rpc(raw))).toBe(true);
      expect(await decide(guard, rpc(Buffer.from('another')))).toBe('401 binding');
      expect(await decide(guard, rpc())).toBe('401 binding');
    });

    it('cannot bring a proof: that is for HTTP requests', async () => {
      const { guard, proofs } = make();
      const verify = jest.spyOn(proofs as DPoPProofVerifier, 'verify').mockResolvedValue(undefined);
      const error = await thrownBy(guard, message('message', headersOf(proofHeaders(boundToken()))));
      expect((error.cause as AuthError).detail).toBe(
        'a DPoP proof is for an HTTP request, never for a message',
      );
      expect(verify).not.toHaveBeenCalled();
    });

    it('ends its reply with the token', async () => {
      const { guard, streams } = make();
      const context = message('message', headersOf(bearer(issuer.token())));
      expect(await decide(guard, context)).toBe(true);
      const replies = REPLY_INTERCEPTOR.intercept(context, { handle: () => NEVER }) as Observable<unknown>;
      const errors: unknown[] = [];
      replies.subscribe({ error: (error) => errors.push(error) });
      expect(streams.size).toBe(1);
      streams.endAll(() => true, invalidToken('revoked', 'for the test'));
      expect(errors).toEqual([expect.any(RpcException)]);
    });
  });

  describe('of what stays open', () => {
    it('ends a subscription with the token', async () => {
      const { guard, streams } = make();
      const context = field('subscribed', { req: withToken() }, 'subscription');
      expect(await decide(guard, context)).toBe(true);
      const [interceptor] = Reflect.getMetadata('__interceptors__', Routes.prototype.subscribed) as [
        NestInterceptor,
      ];
      const source = { next: () => new Promise(() => undefined) };
      const opened = interceptor.intercept(context, { handle: () => of(source) }) as Observable<unknown>;
      const iterator = (await lastValueFrom(opened)) as AsyncIterator<unknown>;
      expect(streams.size).toBe(1);
      const next = iterator.next();
      streams.endAll(() => true, invalidToken('revoked', 'for the test'));
      await expect(next).rejects.toBeInstanceOf(HttpException);
    });

    it('ends server-sent events with the token, and opens nothing for another handler', async () => {
      const { guard, streams } = make();
      expect(await decide(guard, http('list', withToken()))).toBe(true);
      expect(streams.size).toBe(0);
      const response = new Response();
      expect(await decide(guard, http('events', withToken(), response))).toBe(true);
      expect(streams.size).toBe(1);
      response.emit('close');
      expect(streams.size).toBe(0);
    });

    it('holds it as long as the issuer of its token tolerates', async () => {
      const { guard, streams } = make({ clockTolerance: 7 });
      const open = jest.spyOn(streams, 'open');
      const token = issuer.token();
      await decide(guard, http('events', withToken(token)));
      expect(open.mock.calls).toMatchObject([
        [{ issuer: issuer.server.issuer, clockTolerance: 7, claims: { sub: 'user-1' } }],
      ]);
    });
  });

  describe('with tokens that are bound', () => {
    it('admits a token with a proof, once, and decides once for two guards of a route', async () => {
      const { guard } = make();
      const headers = proofHeaders(boundToken());
      const request = requestWith(headers);
      expect(await decide(guard, http('bound', request))).toBe(true);
      expect(await decide(guard, http('bound', request))).toBe(true);
      expect(await decide(guard, http('bound', requestWith(headers)))).toBe('401 invalid_dpop_proof');
      expect(decided()).toEqual([
        ['allowed', 'token', 'DPoP'],
        ['refused', 'invalid_dpop_proof', 'DPoP'],
      ]);
    });

    it('takes one proof for all fields of a GraphQL request', async () => {
      const { guard, proofs } = make();
      const verify = jest.spyOn(proofs as DPoPProofVerifier, 'verify');
      const context = { req: requestWith(proofHeaders(boundToken())) };
      const outcomes = await Promise.all(
        (['list', 'other', 'bound'] as const).map((route) => decide(guard, field(route, context))),
      );
      expect(outcomes).toEqual([true, true, true]);
      expect(verify).toHaveBeenCalledTimes(1);
      expect(guard.canActivate(field('list', context))).toBe(true);
      expect(events.at(-1)).toMatchObject({ scheme: 'DPoP' });
    });

    it('rejects a proof for another request', async () => {
      const { guard } = make();
      const token = boundToken();
      for (const [url, more] of [
        [`${AUDIENCE}/other`, {}],
        [`${AUDIENCE}/orders`, { method: 'POST' }],
        [`${AUDIENCE}/orders`, { method: undefined }],
      ] as const) {
        const request = requestWith(proofHeaders(token, url), more);
        expect(await decide(guard, http('list', request))).toBe('401 invalid_dpop_proof');
      }
    });

    it('rejects two proofs, however the platform has them', async () => {
      const { guard } = make();
      const token = boundToken();
      const [first, second] = [proofHeaders(token), proofHeaders(token)];
      const dpop = [first['dpop'] as string, second['dpop'] as string];
      for (const value of [dpop, dpop.join(', ')])
        expect(await decide(guard, http('list', requestWith({ ...first, dpop: value })))).toBe(
          '401 invalid_dpop_proof',
        );
      expect(await decide(guard, http('list', requestWith({ ...first, dpop: dpop.slice(1) })))).toBe(true);
    });

    it('tells a client of a newer nonce', async () => {
      const nonce = 'a secret of more than 32 characters';
      const { guard } = make({ dpop: { nonce } });
      holdClock();
      const nonces = new NonceIssuer(nonce);
      const token = boundToken();
      const send = async (): Promise<unknown> => {
        const claims = { nonce: nonces.current(nowInSeconds() - 60) };
        const headers = client.headers({ url: `${AUDIENCE}/orders`, token }, { claims });
        const response = new Response();
        expect(await decide(guard, http('list', requestWith(headers), response))).toBe(true);
        return response.written['DPoP-Nonce'];
      };
      expect(await send()).toBe(nonces.current(nowInSeconds()));
    });

    it('sets no nonce where there is none', async () => {
      const response = new Response();
      expect(
        await decide(make().guard, http('list', requestWith(proofHeaders(boundToken())), response)),
      ).toBe(true);
      expect(Object.keys(response.written)).toEqual([]);
    });

    it('rejects the scheme where DPoP is turned off, and a bound token sent as Bearer', async () => {
      const { guard } = make({ dpop: { mode: 'off' } });
      const token = boundToken();
      const error = await thrownBy(guard, http('list', requestWith(proofHeaders(token))));
      expect((error.cause as AuthError).detail).toBe('DPoP is turned off');
      const unbound = requestWith({ authorization: `DPoP ${issuer.token()}` });
      expect((await thrownBy(guard, http('list', unbound))).cause).toMatchObject({
        detail: 'DPoP is turned off',
      });
      expect(await decide(guard, http('list', withToken(token)))).toBe('401 binding');
      expect(await decide(guard, http('list', withToken()))).toBe(true);
    });

    it('admits a token that is not bound where nothing requires it', async () => {
      expect(await decide(make().guard, http('list', withToken()))).toBe(true);
    });

    it.each<[string, Partial<AuthModuleOptions>, Route]>([
      ['dpop.mode', { dpop: { mode: 'required' } }, 'list'],
      ['@DPoPBound()', {}, 'bound'],
      ['validateCertificateBinding', { validateCertificateBinding: 'required' }, 'list'],
      ['@CertBound()', {}, 'certificate'],
    ])('rejects a token that is not bound where %s requires it', async (_, given, route) => {
      expect(await decide(make(given).guard, http(route, withToken()))).toBe('401 binding');
    });

    it('rejects a token that is bound to nothing under the profile fapi2', async () => {
      const parts = make();
      const options = { ...parts.options, profile: 'fapi2' } as ResolvedOptions;
      const guard = new AuthGuard(parts.tokens, options, parts.proofs, parts.streams);
      expect(await decide(guard, http('list', withToken()))).toBe('401 binding');
      expect(await decide(guard, http('list', requestWith(proofHeaders(boundToken()))))).toBe(true);
    });

    it('compares the certificate of the connection, asked for once', async () => {
      const { guard } = make();
      const raw = Buffer.from('the certificate of the client');
      const x5t = createHash('sha256').update(raw).digest('base64url');
      const headers = bearer(issuer.token({ claims: { cnf: { 'x5t#S256': x5t } } }));
      let asked = 0;
      const over = (certificate: Buffer) => ({
        socket: { getPeerCertificate: () => ((asked += 1), { raw: certificate }) },
      });
      const request = requestWith(headers, over(raw));
      for (const route of ['certificate', 'list'] as const)
        expect(await decide(guard, http(route, request))).toBe(true);
      expect(asked).toBe(1);
      expect(await decide(guard, http('list', requestWith(headers, over(Buffer.from('another')))))).toBe(
        '401 binding',
      );
      expect(await decide(guard, http('list', requestWith(headers)))).toBe('401 binding');
    });

    it('waits for the certificate, where the application finds it', async () => {
      const certificateResolver = (): Promise<string> => Promise.resolve('not a certificate');
      const { guard } = make({ certificateResolver });
      const token = issuer.token({ claims: { cnf: { 'x5t#S256': 'a' } } });
      const request = withToken(token);
      expect(await decide(guard, http('list', request))).toBe('401 binding');
      expect(principalOf(request)).toBeUndefined();
    });
  });
});
