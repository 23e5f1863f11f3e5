/** A connection goes on with a new token of the same caller, and with no other token. */
import { Audience } from '../../../../lib/policy/audience.decorator.js';
import { attachHandshake } from '../../../../lib/credentials/socket-handshake.js';
import { AuthError, invalidToken, TokenError } from '../../../../lib/errors/auth.errors.js';
import { ConnectionAuthenticator } from '../../../../lib/guard/sockets/connection-authenticator.js';
import { Connection } from '../../../../lib/guard/sockets/connection.js';
import type { Place } from '../../../../lib/guard/sockets/places.js';
import { OpenStreams } from '../../../../lib/guard/streams/open-streams.js';
import type { AuthModuleOptions } from '../../../../lib/options/auth-options.js';
import { resolveOptions } from '../../../../lib/options/resolve-options.js';
import { readClassPolicy } from '../../../../lib/policy/route-policy.js';
import { Scopes } from '../../../../lib/access/requirements/scopes.js';
import { principalOf } from '../../../../lib/principal/authenticated-request.js';
import { ValidatedToken } from '../../../../lib/token/validated-token.js';
import { createTokenValidator } from '../../../../lib/validation/token-validator.js';
import { Issuer } from '../../../support/issuer.js';
import { nowInSeconds } from '../../../support/tokens.js';
import '../../../support/output-logger.js';

class TestConnection extends Connection {
  protected disconnect(): void {}
}
class Chat {}
@Scopes('chat')
class Scoped {}
@Audience('https://other.example.com')
class OtherApi {}

describe('renew', () => {
  let issuer: Issuer;
  const opened: OpenStreams[] = [];
  beforeAll(async () => void (issuer = await Issuer.start()));
  afterAll(() => issuer.close());
  afterEach(() => {
    for (const streams of opened.splice(0)) streams.onModuleDestroy();
  });

  async function connected(
    claims: object = {},
    { metatype = Chat as Place['metatype'], options: given = {} as AuthModuleOptions } = {},
  ) {
    const options = resolveOptions({ ...issuer.options, ...given }, () => undefined);
    const tokens = createTokenValidator(options, { warn: () => undefined, error: () => undefined } as never);
    const streams = new OpenStreams(options, tokens.revocations);
    opened.push(streams);
    const policy = readClassPolicy(metatype);
    const place: Place = { name: '/chat', metatype, policy, keepsRequest: false, application: {} };
    const connection = new TestConnection(place, { headers: {} }, { kind: 'ws' });
    const client: Record<string, unknown> = {};
    attachHandshake(client, connection);
    connection.open(client, streams);
    const first = await tokens.validate(issuer.token({ claims: { ...claims } }));
    connection.admit(first, 0, streams);
    const authenticator = new ConnectionAuthenticator(tokens, options, streams);
    /** The reason of the rejection; `true` where it goes on with the token. */
    const renew = async (token: unknown): Promise<unknown> => {
      try {
        const renewed = await authenticator.renew(client, token as string);
        expect(connection.token?.claims).toBe(renewed);
        return connection.token !== first && connection.token?.token === token;
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        return `${error.reason}: ${error.detail ?? ''}`;
      }
    };
    return { tokens, streams, connection, client, first, authenticator, renew };
  }
  const tokenWith = (claims: object = {}): string => issuer.token({ claims: { ...claims } });

  it('goes on with a token of the same caller, and ends with that', async () => {
    const { streams, connection, client, renew } = await connected();
    const exp = nowInSeconds() + 5000;
    expect(await renew(tokenWith({ exp }))).toBe(true);
    expect(connection.claims.exp).toBe(exp);
    expect(connection.clockTolerance).toBe(300);
    expect(streams.size).toBe(1);
    expect(principalOf(client)).toBe(connection.token);
    expect(client['user']).toBe(connection.claims);
  });

  it('leaves the user to loadUser, where there is one', async () => {
    const { client, renew } = await connected({}, { options: { loadUser: () => 'a row' } });
    expect(await renew(tokenWith())).toBe(true);
    expect(Object.keys(client)).toEqual([]);
  });

  it.each<[string, object, object]>([
    ['subject', {}, { sub: 'user-2' }],
    ['client', {}, { client_id: 'client-2' }],
    ['subject, which it does not name', {}, { sub: undefined }],
    [
      'caller, as none is named',
      { sub: undefined, client_id: undefined },
      { sub: undefined, client_id: undefined },
    ],
  ])('rejects a token of another %s', async (_, before, after) => {
    const { connection, first, renew } = await connected(before);
    expect(await renew(tokenWith(after))).toBe('claims: renew(): the token belongs to another caller');
    expect(connection.token).toBe(first);
  });

  it.each<[string, object]>([
    ['subject', { client_id: undefined }],
    ['client', { sub: undefined }],
  ])('goes on where the %s alone is named, and the same', async (_, claims) => {
    const { renew } = await connected(claims);
    expect(await renew(tokenWith(claims))).toBe(true);
  });

  it.each<[string, object | undefined, object | undefined]>([
    ['another key', { jkt: 'a' }, { jkt: 'b' }],
    ['no key', { jkt: 'a' }, undefined],
    ['a key, where there was none', undefined, { jkt: 'a' }],
    ['another certificate', { 'x5t#S256': 'a' }, { 'x5t#S256': 'b' }],
    ['no certificate', { jkt: 'a', 'x5t#S256': 'a' }, { jkt: 'a' }],
  ])('rejects a token that is bound to %s', async (_, before, after) => {
    const { renew } = await connected({ cnf: before });
    expect(await renew(tokenWith({ cnf: after }))).toBe('binding: renew(): the token has another binding');
    expect(await renew(tokenWith({ cnf: before }))).toBe(true);
  });

  describe('of an issuer', () => {
    const ANOTHER = 'claims: renew(): the token belongs to another caller';
    /** Of a connection that was opened with such a token. */
    async function renewedAfter(
      before: object,
      token: (of: Issuer) => string,
      issuedBy?: object,
    ): Promise<unknown> {
      const { connection, first, streams, renew } = await connected({}, { options: issuer.introspecting });
      const claims = { ...first.claims, ...before } as typeof first.claims;
      const held = new ValidatedToken('held', claims, (issuedBy ?? first.issuer) as typeof first.issuer);
      connection.renew(held, 0, streams);
      return renew(token(issuer));
    }
    /** The same issuer, whose options were read anew. */
    const ANEW = { name: 'anew' };

    it('that is another one a token is rejected, whomever it names', async () => {
      const other = { iss: 'https://other.example' };
      expect(await renewedAfter(other, (of) => of.token())).toBe(ANOTHER);
      expect(await renewedAfter({}, (of) => of.token())).toBe(true);
      expect(await renewedAfter({}, (of) => of.token(), ANEW)).toBe(true);
    });
  });

  it('rejects what is no token, or no good one', async () => {
    const { renew } = await connected();
    for (const token of ['', undefined, 7, ['a']])
      expect(await renew(token)).toBe('malformed: renew(): the token is not a string');
    expect(await renew('a.b.c')).toMatch(/^malformed: /);
    expect(await renew(tokenWith({ exp: 1 }))).toMatch(/^expired: /);
  });

  it('rejects a token that does not meet what the place requires', async () => {
    const { renew } = await connected({}, { metatype: Scoped });
    expect(await renew(tokenWith())).toMatch(/^scope: /);
    expect(await renew(tokenWith({ scope: 'chat' }))).toBe(true);
    const other = await connected({}, { metatype: OtherApi });
    expect(await other.renew(tokenWith())).toMatch(/^audience: /);
  });

  it('rejects a token that was revoked', async () => {
    const { tokens, renew } = await connected();
    const [before, until] = [nowInSeconds() + 1, nowInSeconds() + 1000];
    await tokens.revocations.add({ id: 'one', match: { sub: 'user-1' }, before, until });
    expect(await renew(tokenWith())).toMatch(/^revoked: /);
  });

  const OVER = 'claims: renew(): the connection has ended, or was opened without a token';

  it('rejects any token once the connection is closed, or its token ended', async () => {
    const closed = await connected();
    closed.connection.close(closed.streams);
    expect(await closed.renew(tokenWith())).toBe(OVER);
    const ended = await connected();
    ended.connection.end(invalidToken('expired', 'for the test'));
    expect(await ended.renew(tokenWith())).toBe(OVER);
  });

  it('rejects any token where the connection was opened without one', async () => {
    const { streams, client, connection, authenticator } = await connected();
    const anonymous = {};
    const other = new TestConnection(connection.place, { headers: {} }, { kind: 'ws' });
    attachHandshake(anonymous, other);
    other.open(anonymous, streams);
    const renewal = authenticator.renew(anonymous, tokenWith());
    await expect(renewal).rejects.toBeInstanceOf(TokenError);
    await expect(renewal).rejects.toMatchObject({ detail: OVER.slice('claims: '.length) });
    expect(other.token).toBeUndefined();
    expect(client).not.toBe(anonymous);
  });

  it('throws for what is no client', async () => {
    const { authenticator } = await connected();
    await expect(authenticator.renew({}, tokenWith())).rejects.toThrow(
      new TypeError('renew(): the argument is not a client of a gateway that AuthGuard protects'),
    );
  });
});
