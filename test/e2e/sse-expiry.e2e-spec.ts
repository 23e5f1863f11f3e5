/** `@Sse()` streams end when their token ends, or is revoked. */
import {
  Agent,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Controller, Get, Sse, type ExecutionContext } from '@nestjs/common';
import { OptionalAuth, Public, TokenRevocations, type AuthError } from 'nestjs-resource-server';
import { EMPTY, Observable } from 'rxjs';
import { OpenStreams } from '../../lib/guard/streams/open-streams.js';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { advanceClock } from '../support/clock.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { nowInSeconds } from '../support/tokens.js';

const listeners = new Set<(data: string) => void>();
const publish = (data: string): void => listeners.forEach((listen) => listen(data));

const events = (): Observable<{ data: string }> =>
  new Observable((subscriber) => {
    const listen = (data: string): void => subscriber.next({ data });
    listeners.add(listen);
    return () => listeners.delete(listen);
  });

/** Calls back when the guard has admitted a request for `/late`. */
let admitted: () => void = () => undefined;

@Controller()
class EventsController {
  @Sse('late') late(): Observable<{ data: string }> {
    admitted();
    return EMPTY;
  }
  @Sse('events') events(): Observable<{ data: string }> {
    return events();
  }
  @Sse('maybe') @OptionalAuth() maybe(): Observable<{ data: string }> {
    return events();
  }
  @Sse('open') @Public() open(): Observable<{ data: string }> {
    return events();
  }
  @Get('plain') plain(): string {
    return 'plain';
  }
}

describe.each(PLATFORMS)('server-sent events on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  const open: IncomingMessage[] = [];
  // As a proxy has them: connections that neither side closes after a response.
  const agent = new Agent({ keepAlive: true });
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(issuer.options, { platform, controllers: [EventsController] });
    (app.nest.getHttpServer() as Server).keepAliveTimeout = 0;
  });
  afterEach(async () => {
    for (const each of open.splice(0)) each.destroy();
    // The next test counts those that it opens itself.
    while (listeners.size > 0) await new Promise((resolve) => setImmediate(resolve));
  });
  afterAll(async () => {
    agent.destroy();
    await app.close();
    await issuer.close();
  });

  const listen = async (path: string, headers = {}): Promise<IncomingMessage> => {
    const before = listeners.size;
    const incoming = await new Promise<IncomingMessage>((resolve, reject) =>
      httpRequest(app.origin + path, { headers, agent }, resolve)
        .on('error', reject)
        .end(),
    );
    incoming.setEncoding('utf8');
    open.push(incoming);
    while (listeners.size === before) await new Promise((resolve) => setImmediate(resolve));
    return incoming;
  };
  const nextEvent = (incoming: IncomingMessage): Promise<string> =>
    new Promise((resolve) => {
      const take = (text: string): void => {
        const data = /^data: (.*)$/m.exec(text)?.[1];
        if (data === undefined) return;
        incoming.off('data', take);
        resolve(data);
      };
      incoming.on('data', take);
    });
  const streams = (): OpenStreams => app.nest.get(OpenStreams, { strict: false });

  it('ends at exp + clockTolerance, and its producer with it; others go on', async () => {
    const brief = await listen('/events', bearer(issuer.token({ claims: { exp: nowInSeconds() + 60 } })));
    const long = await listen('/events', bearer(issuer.token({ claims: { exp: nowInSeconds() + 6000 } })));
    const anonymous = await listen('/maybe');
    const opened = await listen('/open');
    expect(streams().size).toBe(2);

    advanceClock(355);
    const first = [brief, long, anonymous, opened].map(nextEvent);
    publish('one');
    expect(await Promise.all(first)).toEqual(['one', 'one', 'one', 'one']);

    const ended = new Promise((resolve) => brief.once('end', resolve));
    advanceClock(6);
    brief.resume();
    await ended;
    while (listeners.size > 3) await new Promise((resolve) => setImmediate(resolve));
    const rest = [long, anonymous, opened].map(nextEvent);
    publish('two');
    expect(await Promise.all(rest)).toEqual(['two', 'two', 'two']);
  });

  it('ends at the tolerance of its issuer, not of the module', async () => {
    const { audience } = issuer.options;
    const strict = await bootApp(
      { audience, issuers: [{ issuer: issuer.server.issuer, clockTolerance: 0 }] },
      { platform, controllers: [EventsController] },
    );
    const token = issuer.token({ claims: { exp: nowInSeconds() + 60 } });
    const incoming = await new Promise<IncomingMessage>((resolve, reject) =>
      httpRequest(`${strict.origin}/events`, { headers: bearer(token) }, resolve)
        .on('error', reject)
        .end(),
    );
    const ended = new Promise((resolve) => incoming.once('end', resolve));
    incoming.resume();
    advanceClock(61);
    await ended;
    await strict.close();
  });

  it('ends when the token is revoked, also where that happens as it opens; others go on', async () => {
    const revocations = app.nest.get(TokenRevocations);
    const old = (sub: string) => bearer(issuer.token({ claims: { sub, iat: nowInSeconds() - 60 } }));
    const [revoked, other] = [await listen('/events', old('ann')), await listen('/events', old('bob'))];
    const ended = new Promise((resolve) => revoked.once('end', resolve));
    revoked.resume();
    await revocations.revoke({ sub: 'ann' });
    await ended;
    expect((await app.get('/events', old('ann'))).status).toBe(401);

    const claims = { iss: issuer.server.issuer, sub: 'ann', iat: nowInSeconds() - 60 };
    const late = new Promise<AuthError>((end) => streams().open({ issuer: claims.iss, claims, end }));
    expect(await late).toMatchObject({ status: 401, reason: 'revoked' });
    const next = nextEvent(other);
    publish('on');
    expect(await next).toBe('on');
  });

  it('is forgotten when the client leaves', async () => {
    const incoming = await listen('/events', bearer(issuer.token()));
    const size = streams().size;
    incoming.destroy();
    while (streams().size !== size - 1) await new Promise((resolve) => setImmediate(resolve));
    expect((await app.get('/plain', bearer(issuer.token()))).status).toBe(200);
  });

  it('is not remembered for a client that left while its user was looked up', async () => {
    let loading = (_response: ServerResponse): void => undefined;
    const asked = new Promise<ServerResponse>((resolve) => (loading = resolve));
    let answer = (_user: unknown): void => undefined;
    const user = new Promise((resolve) => (answer = resolve));
    const loadUser = (_claims: unknown, { context }: { readonly context: ExecutionContext }) => {
      const response = context.switchToHttp().getResponse<ServerResponse & { raw?: ServerResponse }>();
      loading(response.raw ?? response);
      return user;
    };
    const waiting = await bootApp(
      { ...issuer.options, loadUser },
      { platform, controllers: [EventsController] },
    );
    const outgoing = httpRequest(`${waiting.origin}/late`, { headers: bearer(issuer.token()) });
    outgoing.on('error', () => undefined).end();
    const response = await asked;
    const closed = new Promise((resolve) => response.once('close', resolve));
    outgoing.destroy();
    await closed;
    const left = new Promise<number>((resolve) => {
      admitted = () => resolve(waiting.nest.get(OpenStreams, { strict: false }).size);
    });
    answer({ id: 1 });
    expect(await left).toBe(0);
    await waiting.close();
  });
});
