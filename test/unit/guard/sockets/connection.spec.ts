/** A connection of a gateway: whose it is, how it goes on, and how it ends. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { attachHandshake } from '../../../../lib/credentials/socket-handshake.js';
import { invalidToken, type AuthError } from '../../../../lib/errors/auth.errors.js';
import {
  Connection,
  CONNECTION_CHANNEL,
  connectionOf,
  type ConnectionEvent,
} from '../../../../lib/guard/sockets/connection.js';
import type { Place } from '../../../../lib/guard/sockets/places.js';
import { OpenStreams } from '../../../../lib/guard/streams/open-streams.js';
import { ValidatedToken } from '../../../../lib/token/validated-token.js';

class TestConnection extends Connection {
  readonly told: unknown[] = [];
  protected disconnect(client: object, error: AuthError): void {
    this.told.push([client, error]);
  }
}

const REQUEST = { headers: { host: 'a' } };
const PARAMS = { kind: 'ws' } as const;
const ENDED = invalidToken('revoked', 'for the test');
const make = (place: Partial<Place> = {}, sender?: object): TestConnection =>
  new TestConnection({ name: '/chat', keepsRequest: false, ...place } as Place, REQUEST, PARAMS, sender);
const tokenOf = (claims: object = {}): ValidatedToken =>
  new ValidatedToken('the token', { sub: 'user-1', ...claims } as never, { name: 'staff' } as never);

describe('a connection', () => {
  let streams: OpenStreams;
  let events: ConnectionEvent[];
  const note = (event: unknown): void => void events.push(event as ConnectionEvent);
  beforeEach(() => {
    events = [];
    subscribe(CONNECTION_CHANNEL, note);
    streams = new OpenStreams({ clockSkew: 0, clockTolerance: 0 });
  });
  afterEach(() => {
    unsubscribe(CONNECTION_CHANNEL, note);
    streams.onModuleDestroy();
  });
  const changes = (): unknown[] => events.map(({ change, state }) => `${change} ${state}`);

  it('is found on its client, and nothing else is', () => {
    const [client, connection] = [{}, make()];
    expect(connectionOf(client)).toBeUndefined();
    attachHandshake(client, connection);
    expect(connectionOf(client)).toBe(connection);
    const foreign = {};
    const { request, sender, answerHeaders } = connection;
    attachHandshake(foreign, { request, sender, answerHeaders, params: PARAMS, credentials: undefined });
    expect(connectionOf(foreign)).toBeUndefined();
    for (const none of [undefined, null, 'text']) expect(connectionOf(none)).toBeUndefined();
  });

  it('has what the client presented, until it is admitted', () => {
    const connection = make();
    expect([connection.params, connection.credentials, connection.token]).toEqual([
      PARAMS,
      undefined,
      undefined,
    ]);
    expect([connection.issuer, connection.isOpen, connection.hasEnded]).toEqual(['', false, false]);
    const token = tokenOf();
    connection.admit(token, 7, streams);
    expect(connection.params).toBe(token);
    expect(connection.credentials).toEqual({ scheme: 'Bearer', token: 'the token' });
    expect([connection.issuer, connection.claims, connection.clockTolerance]).toEqual([
      'staff',
      token.claims,
      7,
    ]);
  });

  it('has the scheme that the binding of its token needs', () => {
    for (const [cnf, scheme] of [
      [{ jkt: 'a' }, 'DPoP'],
      [{ 'x5t#S256': 'a' }, 'Bearer'],
    ] as const) {
      const connection = make();
      connection.admit(tokenOf({ cnf }), 0, streams);
      expect(connection.credentials?.scheme).toBe(scheme);
    }
  });

  it('stays that of the first token', () => {
    const [connection, first] = [make(), tokenOf()];
    connection.admit(first, 1, streams);
    connection.admit(tokenOf(), 2, streams);
    expect([connection.token, connection.clockTolerance]).toEqual([first, 1]);
  });

  it('is its own sender, unless it has one in common with others', () => {
    const [connection, sender] = [make(), {}];
    expect(connection.sender).toBe(connection);
    expect(make({}, sender).sender).toBe(sender);
  });

  it('that was admitted is open with its token, and ends with it', () => {
    const [connection, client] = [make(), {}];
    connection.admit(tokenOf(), 0, streams);
    expect(streams.size).toBe(0);
    connection.open(client, streams);
    expect([connection.client, connection.isOpen, connection.answerHeaders]).toEqual([
      client,
      true,
      undefined,
    ]);
    expect(streams.size).toBe(1);
    streams.endAll(() => true, ENDED);
    expect(connection.told).toEqual([[client, ENDED]]);
    expect(connection.hasEnded).toBe(true);
    expect(connection.isOpen).toBe(true);
    connection.close(streams);
    expect(connection.isOpen).toBe(false);
    expect(changes()).toEqual(['opened token', 'ended token', 'closed token']);
    expect(events.map(({ reason, place, issuer }) => [reason, place, issuer])).toEqual([
      [undefined, '/chat', 'staff'],
      ['revoked', '/chat', 'staff'],
      [undefined, '/chat', 'staff'],
    ]);
  });

  it('that is anonymous is watched once it has a token', () => {
    const connection = make();
    connection.open({}, streams);
    expect(streams.size).toBe(0);
    connection.admit(tokenOf(), 0, streams);
    expect(streams.size).toBe(1);
    connection.close(streams);
    expect(streams.size).toBe(0);
    expect(changes()).toEqual(['opened anonymous', 'authenticated token', 'closed token']);
    expect(events[0]?.issuer).toBeUndefined();
  });

  it('that is anonymous is closed, and nothing of it ends', () => {
    const connection = make();
    connection.open({}, streams);
    connection.close(streams);
    connection.close(streams);
    connection.end(ENDED);
    expect([connection.told, connection.hasEnded]).toEqual([[], false]);
    expect(changes()).toEqual(['opened anonymous', 'closed anonymous']);
  });

  it('goes on with another token, and ends with that', () => {
    const [connection, next] = [make(), tokenOf()];
    connection.admit(tokenOf(), 0, streams);
    connection.open({}, streams);
    connection.renew(next, 5, streams);
    expect([connection.token, connection.clockTolerance, streams.size]).toEqual([next, 5, 1]);
    expect(changes()).toEqual(['opened token', 'renewed token']);
  });

  it('forgets its request, unless handlers may need it', () => {
    const [forgetting, keeping] = [make(), make({ keepsRequest: true })];
    for (const each of [forgetting, keeping]) each.forgetRequest();
    expect(forgetting.request).toEqual({ headers: {} });
    expect(keeping.request).toBe(REQUEST);
  });

  it('publishes nothing while nobody listens', () => {
    unsubscribe(CONNECTION_CHANNEL, note);
    make().open({}, streams);
    expect(events).toEqual([]);
  });
});
