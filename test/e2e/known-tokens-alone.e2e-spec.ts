/** A known token that comes alone is answered at once: what was true when it was remembered is asked again, and nobody waits longer for it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Controller, Get, Req, type INestApplication } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { Claims, CurrentUser, Scopes, type AccessTokenClaims } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { graphqlModule, post } from '../support/graphql.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

interface Seen {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly raw?: object;
}

/** Requests whose turn of the event loop is over. */
const over = new WeakSet<object>();

function watchTurns(nest: INestApplication): void {
  nest.use((request: object, _response: unknown, next: () => void) => {
    setImmediate(() => over.add(request));
    next();
  });
}

@Controller()
class TurnsController {
  @Get('turn') turn(@Req() request: Seen): string {
    return over.has(request.raw ?? request) ? 'later' : 'at once';
  }
  @Get('who') who(@Claims('sub') sub: string, @CurrentUser() user: AccessTokenClaims): string {
    return `${sub} ${user.sub}.`;
  }
  @Get('throws') throws(): never {
    throw new Error('a fault of the application');
  }
  @Get('admin') @Scopes('admin') admin(): string {
    return 'admin';
  }
  @Get('assigns') assigns(@Claims() claims: { scope?: string }): void {
    claims.scope = 'admin';
  }
  @Get('pushes') pushes(@CurrentUser() claims: { readonly groups: string[] }): void {
    claims.groups.push('admins');
  }
  @Get('inherits') inherits(@Claims() claims: object): void {
    Object.setPrototypeOf(claims, { scope: 'admin' });
  }
}

@Resolver()
class LettersResolver {
  @Query(() => String) a(): string {
    return 'a';
  }
  @Query(() => String) b(): string {
    return 'b';
  }
  @Query(() => String) c(): string {
    return 'c';
  }
}

describe.each(PLATFORMS)('a known token that comes alone, on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  let known: string;
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(issuer.options, {
      platform,
      controllers: [TurnsController],
      imports: [graphqlModule('Apollo')],
      providers: [LettersResolver],
      beforeListening: watchTurns,
    });
    known = issuer.token();
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  const turn = async (): Promise<string> => (await app.get('/turn', bearer(known))).text;
  const ask = async (path: string): Promise<number> => (await app.get(path, bearer(known))).status;
  /** In one piece, on one connection, which the client leaves as soon as it has so many answers. */
  const sendTogether = async (path: string, tokens: readonly string[], least = tokens.length) => {
    const { hostname, port } = new URL(app.origin);
    const socket = connect(Number(port), hostname);
    const lines = tokens.map(
      (token) => `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    socket.write(lines.join(''));
    let answers = '';
    while (answers.split('HTTP/1.1 200').length <= least) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      answers += chunk.toString();
    }
    socket.destroy();
    return answers;
  };

  it('is answered at once; after others that came together, from the second one on', async () => {
    await turn();
    expect(await turn()).toBe('at once');
    await sendTogether('/turn', [known, known, known]);
    expect([await turn(), await turn()]).toEqual(['later', 'at once']);
  });

  it('is answered at once after a GraphQL request with several fields', async () => {
    await turn();
    await sendTogether('/turn', [known, known, known]);
    const { body } = await post(app, '{ a b c }', bearer(known));
    expect(body.data).toEqual({ a: 'a', b: 'b', c: 'c' });
    expect(await turn()).toBe('at once');
  });

  it('is answered at once after handlers that failed, refusals, and clients that left', async () => {
    expect([await ask('/throws'), await ask('/admin'), (await app.get('/turn')).status]).toEqual([
      500, 403, 401,
    ]);
    await sendTogether(
      '/turn',
      Array.from({ length: 20 }, () => known),
      1,
    );
    await turn();
    expect(await turn()).toBe('at once');
  });

  it('is answered with its own caller, whoever comes with it', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const tokens = names.map((sub) => issuer.token({ claims: { sub } }));
    const whole = names.map((name) => `${name} ${name}.`);
    for (const round of ['new', 'known']) {
      const answers = await sendTogether('/who', tokens);
      expect({ round, answers: answers.match(/user-\d+ user-\d+\./g) }).toEqual({ round, answers: whole });
    }
  });

  it.each(['/assigns', '/pushes', '/inherits'])(
    'keeps its claims, whatever %s does to them',
    async (path) => {
      expect([await ask(path), await ask('/admin'), await ask('/who')]).toEqual([500, 403, 200]);
    },
  );
});
