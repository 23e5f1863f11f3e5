/** Samples of the table in docs/decorators.md on the wire; all of it is in test/unit/policy/inheritance.spec.ts. */
import { Controller, Get, type Type } from '@nestjs/common';
import {
  CertBound,
  ConfigurationError,
  DPoPBound,
  Groups,
  OptionalAuth,
  Public,
  Scopes,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';

const SILENT: MethodDecorator & ClassDecorator = () => undefined;

/** Declarations on the four places; `silent` says nothing itself, `inherited` is not overridden. */
interface Declared {
  readonly handler?: MethodDecorator;
  readonly overridden?: MethodDecorator;
  readonly onClass?: ClassDecorator;
  readonly onBase?: ClassDecorator;
}

function controllerOf(path: string, { handler, overridden, onClass, onBase }: Declared): Type {
  @(onBase ?? SILENT)
  abstract class Base {
    @(overridden ?? SILENT) @Get() handle(): string {
      return 'base';
    }
  }
  @(onClass ?? SILENT)
  @Controller(path)
  class Sample extends Base {
    @(handler ?? SILENT) @Get() override handle(): string {
      return 'handled';
    }
  }
  return Sample;
}

/** Answers to: no token, a bad one, a good one without scopes, one with `a`, one with `a` and `b`. */
type Answers = readonly [none: number, bad: number, bare: number, a: number, both: number];
const PUBLIC: Answers = [200, 200, 200, 200, 200];
const OPTIONAL: Answers = [200, 401, 200, 200, 200];
const NEEDS_A: Answers = [401, 401, 403, 200, 200];
const NEEDS_BOTH: Answers = [401, 401, 403, 403, 200];

const a = Scopes('a');
const b = Scopes('b');
const open = Public();
const optional = OptionalAuth();

const RUNNING: Readonly<Record<string, readonly [Declared, Answers]>> = {
  'override-of-scopes': [{ overridden: a }, NEEDS_A],
  'override-adds': [{ overridden: a, handler: b }, NEEDS_BOTH],
  'override-of-public': [{ overridden: open }, [401, 401, 200, 200, 200]],
  'override-of-optional': [{ overridden: optional }, [401, 401, 200, 200, 200]],
  'override-of-public-says-so': [{ overridden: open, handler: open }, PUBLIC],
  'override-in-public-class': [{ overridden: a, onClass: open }, NEEDS_A],
  'override-in-optional-class': [{ overridden: a, onClass: optional }, NEEDS_A],
  'subclass-of-scopes': [{ onBase: a }, NEEDS_A],
  'subclass-adds': [{ onBase: a, onClass: b }, NEEDS_BOTH],
  'subclass-of-public': [{ onBase: open }, PUBLIC],
  'subclass-closes-public': [{ onBase: open, onClass: a }, NEEDS_A],
  'subclass-closes-optional': [{ onBase: optional, onClass: a }, NEEDS_A],
  'subclass-of-optional': [{ onBase: optional }, OPTIONAL],
  'handler-opens-below-base-class': [{ onBase: a, handler: open }, PUBLIC],
  'handler-optional-below-base-class': [{ onBase: a, handler: optional }, [200, 401, 403, 200, 200]],
  'four-places': [{ onBase: a, onClass: a, overridden: a, handler: b }, NEEDS_BOTH],
};

const REFUSED: Readonly<Record<string, readonly [Declared, string]>> = {
  'an optional override of scopes': [
    { overridden: a, handler: optional },
    'Sample.handle: @OptionalAuth() opens what @Scopes() on Base.handle protects',
  ],
  'a public override of scopes': [
    { overridden: a, handler: open },
    'Sample.handle: @Public() opens what @Scopes() on Base.handle',
  ],
  'an optional override of groups': [
    { overridden: Groups('g'), handler: optional },
    '@OptionalAuth() opens what @Groups()',
  ],
  'an optional override of certificate binding': [
    { overridden: CertBound(), handler: optional },
    '@OptionalAuth() opens what @CertBound()',
  ],
  'an optional override of DPoP': [
    { overridden: DPoPBound(), handler: optional },
    '@OptionalAuth() opens what @DPoPBound()',
  ],
  'an optional subclass of scopes': [
    { onBase: a, onClass: optional },
    'Sample: @OptionalAuth() opens what @Scopes() on Base protects',
  ],
  'a public subclass of scopes': [
    { onBase: a, onClass: open },
    'Sample: @Public() opens what @Scopes() on Base protects',
  ],
  'a contradiction on the base class that a subclass covers': [
    { onBase: both(open, a), onClass: b },
    'Base: @Public() requires no token, @Scopes() requires one',
  ],
  'a public and optional base class that a subclass covers': [
    { onBase: both(open, optional), onClass: b },
    'Base: @Public() requires no token, @OptionalAuth() requires one',
  ],
  'a contradiction on an overridden handler': [
    { overridden: both(open, CertBound()), handler: b },
    'Base.handle: @Public() requires no token, @CertBound() requires one',
  ],
};

function both(...decorators: (ClassDecorator & MethodDecorator)[]): ClassDecorator & MethodDecorator {
  return (...target: unknown[]) => {
    for (const decorator of decorators) (decorator as (...target: unknown[]) => void)(...target);
  };
}

describe.each(PLATFORMS)('inheritance on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeAll(async () => {
    issuer = await Issuer.start();
    const controllers = Object.entries(RUNNING).map(([path, [declared]]) => controllerOf(path, declared));
    app = await bootApp(issuer.options, { platform, controllers });
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it.each(Object.entries(RUNNING))('%s', async (path, [, expected]) => {
    const callers = [
      {},
      bearer(issuer.token({ claims: { aud: 'https://other.example.com' } })),
      ...['', 'a', 'a b'].map((scope) => bearer(issuer.token({ claims: { scope } }))),
    ];
    const answers = await Promise.all(callers.map((headers) => app.get(`/${path}`, headers)));
    expect(answers.map(({ status }) => status)).toEqual(expected);
  });

  it.each(Object.entries(REFUSED))('%s stops the start', async (_, [declared, message]) => {
    const controllers = [controllerOf('sample', declared)];
    const error: unknown = await bootApp(issuer.options, { platform, controllers }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as Error).message).toContain(message);
  });
});
