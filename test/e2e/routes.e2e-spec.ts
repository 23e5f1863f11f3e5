/** Which requests may call which route? Every pair of class and handler decorators, with no, a good and a bad token. */
import { Controller, Get } from '@nestjs/common';
import { Claims, Groups, OptionalAuth, Public, Scopes } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

class Handlers {
  @Get('nothing') nothing(@Claims('sub') sub: string): unknown {
    return { sub };
  }
  @Get('public') @Public() public(@Claims('sub') sub: string): unknown {
    return { sub };
  }
  @Get('optional') @OptionalAuth() optional(@Claims('sub') sub: string): unknown {
    return { sub };
  }
  @Get('scopes') @Scopes('write:things') scopes(@Claims('sub') sub: string): unknown {
    return { sub };
  }
  @Get('groups') @Groups('staff', 'ops') groups(@Claims('sub') sub: string): unknown {
    return { sub };
  }
}

@Controller('silent')
class SilentController extends Handlers {}

@Public()
@Controller('open')
class OpenController extends Handlers {}

@OptionalAuth()
@Controller('optional')
class OptionalController extends Handlers {}

@Scopes('read:things')
@Controller('scoped')
class ScopedController extends Handlers {}

/** What a route answers to: nothing, a token with all scopes, one with none, one with read only, a bad one. */
type Expected = readonly [none: number, full: number, bare: number, reader: number, bad: number];
const OPEN: Expected = [200, 200, 200, 200, 200];
const OPTIONAL: Expected = [200, 200, 200, 200, 401];
const TOKEN: Expected = [401, 200, 200, 200, 401];
const WRITE: Expected = [401, 200, 403, 403, 401];
const STAFF: Expected = [401, 200, 403, 403, 401];

const MATRIX: readonly (readonly [path: string, expected: Expected])[] = [
  ['/silent/nothing', TOKEN],
  ['/silent/public', OPEN],
  ['/silent/optional', OPTIONAL],
  ['/silent/scopes', WRITE],
  ['/silent/groups', STAFF],
  ['/open/nothing', OPEN],
  ['/open/public', OPEN],
  ['/open/optional', OPTIONAL],
  ['/open/scopes', WRITE],
  ['/open/groups', STAFF],
  ['/optional/nothing', OPTIONAL],
  ['/optional/public', OPEN],
  ['/optional/optional', OPTIONAL],
  ['/optional/scopes', WRITE],
  ['/optional/groups', STAFF],
  ['/scoped/nothing', [401, 200, 403, 200, 401]],
  ['/scoped/public', OPEN],
  ['/scoped/optional', [200, 200, 403, 200, 401]],
  ['/scoped/scopes', WRITE],
  ['/scoped/groups', [401, 200, 403, 403, 401]],
];

describe.each(PLATFORMS)('routes on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(issuer.options, {
      platform,
      controllers: [SilentController, OpenController, OptionalController, ScopedController],
    });
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  const callers = (): Record<string, string>[] => [
    {},
    bearer(issuer.token()),
    bearer(issuer.token({ claims: { scope: '', groups: undefined } })),
    bearer(issuer.token({ claims: { scope: 'read:things', groups: 'guests' } })),
    bearer(issuer.token({ claims: { aud: 'https://other.example.com' } })),
  ];

  it.each(MATRIX)('%s', async (path, expected) => {
    const answers = await Promise.all(callers().map((headers) => app.get(path, headers)));
    expect(answers.map(({ status }) => status)).toEqual(expected);
    const [anonymous, full] = answers;
    if (anonymous?.status === 200) expect(anonymous.body).toEqual({});
    if (expected !== OPEN) expect(full?.body).toEqual({ sub: 'user-1' });
  });

  it('asks the provider nothing for a public route', async () => {
    const before = issuer.server.requests.length;
    const token = issuer.token({ header: { kid: 'unheard-of' } });
    expect((await app.get('/silent/public', bearer(token))).status).toBe(200);
    expect(issuer.server.requests).toHaveLength(before);
  });

  it('names all scopes of the route, class and handler, in the challenge', async () => {
    const answer = await app.get('/scoped/scopes', bearer(issuer.token({ claims: { scope: 'other' } })));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer error="insufficient_scope", scope="read:things write:things"',
    );
    expect(answer.body).toEqual({ statusCode: 403, message: 'forbidden' });
  });

  it('names no scope in the challenge where a group is missing', async () => {
    const answer = await app.get('/silent/groups', bearer(issuer.token({ claims: { groups: [] } })));
    expect(answer.status).toBe(403);
    expect(answer.headers['www-authenticate']).toBe('Bearer error="insufficient_scope"');
  });
});
