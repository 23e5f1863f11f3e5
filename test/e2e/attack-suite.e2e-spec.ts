/** Does the kit's table attack anything? The guard refuses each row for its own reason; an application without one falls. */
import { AssertionError } from 'node:assert';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get, Headers, HttpCode, Post, Res } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  AuthModule,
  certificateFromHeader,
  Claims,
  DECISION_CHANNEL,
  DPoPBound,
  Groups,
  OptionalAuth,
  Public,
  Scopes,
  type AuthModuleOptions,
  type DecisionEvent,
  type IncomingRequest,
} from 'nestjs-resource-server';
import { attackSuite, TestIssuer, type Attack } from 'nestjs-resource-server/testing';
import { bootApp, bootModule, PLATFORMS, type TestApp } from '../support/app.js';

@Controller()
class ShopController {
  @Get('products') @Scopes('read:products') @Groups('staff') list(): string {
    return 'products';
  }
  @Post('products') @HttpCode(200) @Scopes('write:products') create(): string {
    return 'created';
  }
  @Get('teaser') @OptionalAuth() teaser(@Claims('sub') sub?: string): string {
    return sub ?? 'anonymous';
  }
  @Get('payouts') @DPoPBound() payouts(): string {
    return 'payouts';
  }
  @Get('payouts/:id') @DPoPBound() payout(): string {
    return 'payout';
  }
}

/** What the guard says to each row, and to no other reason. */
const REASONS: Readonly<Record<string, string>> = {
  'a valid token is accepted': 'token',
  'token: alg none': 'algorithm',
  'token: HS256, keyed with the public key': 'algorithm',
  'token: the signature of another token': 'signature',
  'token: claims changed after signing': 'signature',
  'token: no signature': 'malformed',
  'token: truncated': 'signature',
  'token: a signature by another key, with a kid of the issuer': 'signature',
  'token: an unknown key': 'unknown_key',
  'token: a key in the header (jwk)': 'unknown_key',
  'token: a certificate in the header (x5c)': 'unknown_key',
  'token: the URL of other keys in the header (jku)': 'unknown_key',
  'token: an unknown critical extension': 'malformed',
  'token: for another API': 'audience',
  'token: without an audience': 'audience',
  'token: of another issuer': 'issuer',
  'token: expired': 'expired',
  'token: without exp': 'claims',
  'token: not yet valid': 'not_yet_valid',
  'token: an ID token': 'type',
  'token: a JWT of another type': 'type',
  'token: 12000 characters': 'unknown_key',
  'token: valid, but without the scopes and groups of the route': 'scope',
  'token: opaque and unknown': 'inactive',
  'token: opaque and revoked': 'inactive',
  'header: none': 'missing_token',
  'header: Bearer without a token': 'malformed',
  'header: Bearer: with a colon': 'malformed',
  'header: text after the token': 'malformed',
  'header: the scheme Basic': 'missing_token',
  'header: no scheme': 'missing_token',
  'header: two tokens in a list': 'invalid_request',
  'header: two Authorization headers': 'invalid_request',
  'query: a token in the URL': 'missing_token',
  'query: a token in the URL and in the header': 'invalid_request',
  'DPoP: a bound token sent as Bearer': 'binding',
  'DPoP: without a proof': 'invalid_dpop_proof',
  "DPoP: a proof by another key than the token's": 'binding',
  'DPoP: a proof for another URL': 'invalid_dpop_proof',
  'DPoP: a proof used before': 'invalid_dpop_proof',
  'DPoP: a proof beside a token that is not bound': 'binding',
  'certificate: a bound token without the certificate': 'binding',
  "certificate: another's, in an element before the proxy's": 'binding',
  "certificate: another's, behind a quote that swallows the proxy's element": 'binding',
  "certificate: another's, in a subject alternative name": 'binding',
  "certificate: another's, in a second pair": 'binding',
  "certificate: another's, in a line before the proxy's": 'binding',
};

/** Of routes that ask for DPoP-bound tokens, besides. */
const RESPELLED: Readonly<Record<string, string>> = {
  'DPoP: a proof for another spelling of the path, with ..': 'invalid_dpop_proof',
  'DPoP: a proof for another spelling of the path, with %2e%2e': 'invalid_dpop_proof',
  'DPoP: a proof for another spelling of the path, with a character encoded': 'invalid_dpop_proof',
};

const LIST = { path: '/products', token: { scope: 'read:products', groups: ['staff'] } };
const ROUTES = [
  LIST,
  { method: 'POST', path: '/products', token: { scope: 'write:products' }, body: { name: 'Teapot' } },
  { path: '/teaser?lang=en', optional: true },
  { path: '/payouts', dpop: true },
  { path: '/payouts/17?lang=en', dpop: true },
];

const rowOf = ({ name }: Attack): string => name.replace(/^[A-Z]+ \S+: /, '');

describe.each(PLATFORMS)('the attack suite on %s', (platform) => {
  let issuer: TestIssuer;
  let app: TestApp;
  const decisions: DecisionEvent[] = [];
  const listen = (event: unknown): unknown => decisions.push(event as DecisionEvent);

  beforeAll(async () => {
    issuer = await TestIssuer.start();
    app = await bootApp(issuer.options, { platform, controllers: [ShopController] });
    subscribe(DECISION_CHANNEL, listen);
  });
  afterAll(async () => {
    unsubscribe(DECISION_CHANNEL, listen);
    await app.close();
    await issuer.close();
  });

  it('is refused row by row, each for its own reason', async () => {
    const seen: Record<string, string | undefined> = {};
    for (const attack of attackSuite(issuer, LIST)) {
      decisions.length = 0;
      await attack.run(app.nest);
      seen[rowOf(attack)] = decisions.at(-1)?.reason;
    }
    expect(seen).toEqual(REASONS);
  });

  it('respells the path of a route that asks for DPoP-bound tokens', async () => {
    const seen: Record<string, string | undefined> = {};
    for (const attack of attackSuite(issuer, { path: '/payouts/17', dpop: true })) {
      if (!(rowOf(attack) in RESPELLED)) continue;
      decisions.length = 0;
      await attack.run(app.nest);
      // The first decision is that on a request without a token, which shows that a guarded handler is there.
      expect(decisions.map(({ reason }) => reason)).toEqual(['missing_token', expect.any(String)]);
      seen[rowOf(attack)] = decisions.at(-1)?.reason;
    }
    expect(seen).toEqual(RESPELLED);
  });

  it('never makes the application ask for keys where a token says', () => {
    expect(issuer.requests.filter(({ path }) => path.startsWith('/stranger'))).toEqual([]);
  });

  it('is refused on routes of every kind', async () => {
    const attacks = attackSuite(issuer, ROUTES);
    expect(attacks.map(rowOf).filter((row) => row === 'header: none')).toHaveLength(ROUTES.length - 1);
    for (const attack of attacks) await attack.run(app.origin);
  });

  it('is refused where a constructor rebinds the handlers', async () => {
    @Public()
    @Controller('rebound')
    class ReboundController {
      constructor() {
        this.remove = this.remove.bind(this);
        this.list = (): string => 'listed';
      }
      @Get('remove') @Scopes('admin') remove(): string {
        return 'removed';
      }
      @Get('list') @Groups('staff') list(): string {
        return 'listed';
      }
    }
    const rebound = await bootApp(issuer.options, { platform, controllers: [ReboundController] });
    const attacks = attackSuite(issuer, [
      { path: '/rebound/remove', token: { scope: 'admin' } },
      { path: '/rebound/list', token: { groups: ['staff'] } },
    ]);
    for (const attack of attacks) await attack.run(rebound.origin);
    await rebound.close();
  });

  it('tells when a good token is not enough', async () => {
    const [letIn] = attackSuite(issuer, { path: '/products' });
    await expect(letIn?.run(app.origin)).rejects.toThrow(
      'GET /products: a valid token is accepted: answered 403',
    );
  });

  it('needs a route', () => {
    expect(() => attackSuite(issuer, [])).toThrow('no route to attack');
  });
});

@Controller()
class GatedController {
  @Get('gated') gated(): string {
    return 'gated';
  }
}

/** All certificates that a header can be taken to hold, read as loosely as can be. */
const certificatesIn = ({ headers }: IncomingRequest): string[] =>
  [...String(headers['x-forwarded-client-cert']).matchAll(/Cert="([^"]*)/g)].map(([, text = '']) =>
    decodeURIComponent(text),
  );

describe.each(PLATFORMS)('behind a proxy that hands certificates on, on %s', (platform) => {
  let issuer: TestIssuer;
  let app: TestApp | undefined;
  beforeAll(async () => {
    issuer = await TestIssuer.start();
  });
  afterEach(() => app?.close());
  afterAll(() => issuer.close());

  const boot = async (certificateResolver: AuthModuleOptions['certificateResolver']): Promise<TestApp> =>
    (app = await bootApp(
      { ...issuer.options, certificateResolver },
      { platform, controllers: [GatedController] },
    ));
  const failures = async ({ origin }: TestApp): Promise<string[]> => {
    const failed: string[] = [];
    for (const attack of attackSuite(issuer, { path: '/gated' }))
      await attack.run(origin).catch(() => failed.push(rowOf(attack)));
    return failed;
  };

  it.each(['envoy', 'aws-alb', 'rfc9440'] as const)('no certificate is claimed (%s)', async (format) => {
    const booted = await boot(certificateFromHeader({ format, trustedProxies: ['loopback'] }));
    expect(await failures(booted)).toEqual([]);
  });

  it('each is, of a resolver that reads the first certificate or the last', async () => {
    const first = await failures(await boot((request) => certificatesIn(request).at(0)));
    await app?.close();
    const last = await failures(await boot((request) => certificatesIn(request).at(-1)));
    const claims = Object.keys(REASONS).filter((row) => row.startsWith("certificate: another's"));
    expect(new Set([...first, ...last])).toEqual(new Set(claims));
  });
});

interface EchoResponse {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

/** Lets everybody in, says nothing, or says too much. */
@Controller()
class NaiveController {
  @Get('open') open(): string {
    return 'everything';
  }
  @Get('silent') silent(@Res({ passthrough: true }) response: EchoResponse): string {
    response.status(401);
    return 'unauthorized';
  }
  @Get('echo')
  echo(@Headers('authorization') sent: string, @Res({ passthrough: true }) response: EchoResponse): string {
    response.status(401);
    response.header('WWW-Authenticate', 'Bearer');
    return `not good: ${sent}`;
  }
}

describe.each(PLATFORMS)('without a guard, on %s', (platform) => {
  let issuer: TestIssuer;
  let app: TestApp;

  beforeAll(async () => {
    issuer = await TestIssuer.start();
    app = await bootModule([], { platform, controllers: [NaiveController] });
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each([
    ['/open', /answered 200, expected 40[01]/],
    ['/silent', /answered 401( without WWW-Authenticate|, expected 400)/],
    ['/missing', /answered 404, expected 40[01]/],
  ])('every attack on %s is reported', async (path, message) => {
    const [letIn, ...attacks] = attackSuite(issuer, { path });
    // Neither the good token, nor one without the scopes that this route does not name.
    expect(attacks).toHaveLength(Object.keys(REASONS).length - 2);
    for (const attack of attacks) {
      const failure: unknown = await attack.run(app.nest).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(AssertionError);
      expect((failure as Error).message).toMatch(message);
      expect((failure as Error).message).toContain(attack.name);
    }
    expect(letIn?.name).toBe(`GET ${path}: a valid token is accepted`);
  });

  it('a good token that is enough although it holds nothing is reported', async () => {
    const attacks = attackSuite(issuer, {
      path: '/open',
      token: { groups: ['staff'], claims: { scp: ['a'] } },
    });
    const unentitled = attacks.find(({ name }) =>
      name.endsWith('without the scopes and groups of the route'),
    );
    await expect(unentitled?.run(app.nest)).rejects.toThrow('answered 200, expected 403');
  });

  it('a token in the answer is reported', async () => {
    const expired = attackSuite(issuer, { path: '/echo' }).find(({ name }) => name.endsWith('expired'));
    await expect(expired?.run(app.nest)).rejects.toThrow('the response contains the token');
  });
});

it.each(PLATFORMS)('makes an application listen that does not yet: %s', async (platform) => {
  await using issuer = await TestIssuer.start();
  const module = await Test.createTestingModule({
    imports: [AuthModule.forRoot(issuer.options)],
    controllers: [ShopController],
  }).compile();
  const app =
    platform === 'Express'
      ? module.createNestApplication(new ExpressAdapter())
      : module.createNestApplication<NestFastifyApplication>(new FastifyAdapter());
  await Promise.all(attackSuite(issuer, LIST).map((attack) => attack.run(app)));
  await app.close();
});
