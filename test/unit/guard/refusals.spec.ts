/** What the operator reads of a rejected call, and what the caller is told. */
import { HttpException, Logger } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { Audience } from '../../../lib/policy/audience.decorator.js';
import { DPoPBound } from '../../../lib/policy/dpop-bound.decorator.js';
import { Scopes } from '../../../lib/access/requirements/scopes.js';
import {
  ConfigurationError,
  invalidToken,
  MissingTokenError,
  ProviderError,
  ProviderUnavailableError,
  TokenError,
} from '../../../lib/errors/auth.errors.js';
import type { Offer } from '../../../lib/errors/challenge.js';
import { offerFor, Refusals, routeOf } from '../../../lib/guard/refusals.js';
import type { AuthModuleOptions } from '../../../lib/options/auth-options.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { registerHandlers } from '../../../lib/policy/handlers.js';
import { readRoutePolicy } from '../../../lib/policy/route-policy.js';
import { loadRpcException } from '../../../lib/transport/rpc-exception.js';
import { rpcErrorOf } from '../../../lib/transport/rpc.transport.js';
import { advanceClock, holdClock } from '../../support/clock.js';

class Orders {
  list(): void {}
  placed(): void {}
}
const PLACE = 'Orders.list';
const OFFER: Offer = {
  schemes: ['Bearer'],
  presented: undefined,
  algs: 'ES256',
  scopes: [],
  resourceMetadata: undefined,
};

/** `PatternHandler` of `@nestjs/microservices`. */
const MESSAGE = 1;
const EVENT = 2;

function hostOf(type: string, args: unknown[] = [{}, {}], handlerType?: number): ExecutionContextHost {
  const handler = (): void => undefined;
  if (handlerType !== undefined) Reflect.defineMetadata('microservices:handler_type', handlerType, handler);
  const host = new ExecutionContextHost(args, Orders, handler);
  host.setType(type);
  return host;
}

describe('refuse', () => {
  let lines: [level: string, line: string, more?: unknown][];
  let refusals: Refusals;
  const note =
    (level: string) =>
    (line: string, more?: unknown): void =>
      void lines.push(more === undefined ? [level, line] : [level, line, more]);
  beforeEach(() => {
    lines = [];
    refusals = new Refusals({
      debug: note('debug'),
      warn: note('warn'),
      error: note('error'),
    } as unknown as Logger);
    holdClock();
    Logger.overrideLogger(['error', 'warn', 'log', 'debug']);
  });
  afterEach(() => Logger.overrideLogger(['error', 'warn', 'log']));

  const refuse = (error: unknown, host = hostOf('http', [{}, { header: () => undefined }])): Error =>
    refusals.refuse(error, host, PLACE, () => OFFER);

  it('sets the challenge on the answer, and makes the exception that Nest answers with', () => {
    const headers: unknown[] = [];
    const response = { header: (...header: unknown[]) => headers.push(header) };
    const error = new MissingTokenError();
    const exception = refuse(error, hostOf('http', [{}, response]));
    expect(exception).toBeInstanceOf(HttpException);
    expect((exception as HttpException).getStatus()).toBe(401);
    expect(exception.cause).toBe(error);
    expect(headers).toEqual([['WWW-Authenticate', 'Bearer']]);
  });

  it('makes an HTTP exception in a context of an unknown kind', () => {
    const exception = refuse(new MissingTokenError(), hostOf('telegraf'));
    expect(exception).toBeInstanceOf(HttpException);
    expect((exception as HttpException).getStatus()).toBe(401);
  });

  it('makes the exception of the transport', async () => {
    await loadRpcException();
    const exception = refuse(new MissingTokenError(), hostOf('rpc'));
    expect(rpcErrorOf(exception)).toMatchObject({ statusCode: 401, errorCode: 'missing_token' });
  });

  it('logs a bad token for debugging only', () => {
    refuse(invalidToken('expired', 'exp is past'));
    refuse(new MissingTokenError());
    expect(lines).toEqual([
      ['debug', `${PLACE}: 401 invalid_token: exp is past`],
      ['debug', `${PLACE}: 401 missing_token: ${new MissingTokenError().message}`],
    ]);
  });

  it('does not put a reason into words that nobody reads', () => {
    Logger.overrideLogger(['error', 'warn', 'log']);
    let read = 0;
    refuse(new TokenError('invalid_token', { detail: () => String((read += 1)) }));
    expect([read, lines]).toEqual([0, []]);
  });

  it('logs an error of this server each time, with its stack', () => {
    const error = new Error('with a secret in it');
    const thrown = [error, error, 'no error'].map((each) => refuse(each) as HttpException);
    expect(thrown.map((each) => each.getStatus())).toEqual([500, 500, 500]);
    const line = `${PLACE}: rejected because of an internal error`;
    expect(lines).toEqual([
      ['error', line, error.stack],
      ['error', line, error.stack],
      ['error', line],
    ]);
  });

  it('logs a configuration error, and no second line for debugging', () => {
    refuse(new ConfigurationError('public', { detail: 'no request' }));
    refuse(new ConfigurationError('without a detail'));
    expect(lines).toEqual([
      ['error', `${PLACE}: rejected: no request`],
      ['error', `${PLACE}: rejected: without a detail`],
    ]);
  });

  it('logs the stack of what a function of the application has thrown, and not the cause of other errors', () => {
    const cause = new Error('no database');
    refuse(new ConfigurationError('issuers: the function failed', { detail: 'it failed', cause }));
    refuse(
      new ConfigurationError('issuers: the function failed', { detail: 'it threw text', cause: 'text' }),
    );
    refuse(new ProviderError({ detail: 'invalid_client', cause }));
    expect(lines).toEqual([
      ['error', `${PLACE}: rejected: it failed`, cause.stack],
      ['error', `${PLACE}: rejected: it threw text`],
      ['error', `${PLACE}: rejected: invalid_client`],
    ]);
  });

  it('warns of an outage once in a minute, for each reason', () => {
    const outage = (detail: string): void => void refuse(new ProviderUnavailableError({ detail }));
    outage('no answer');
    outage('no answer');
    outage('no keys');
    advanceClock(59.9);
    outage('no answer');
    advanceClock(0.2);
    outage('no answer');
    const warnings = lines.filter(([level]) => level === 'warn').map(([, line]) => line);
    expect(warnings).toEqual([
      `${PLACE}: rejected: no answer`,
      `${PLACE}: rejected: no keys`,
      `${PLACE}: rejected: no answer`,
    ]);
    // Each is there for debugging.
    expect(lines.filter(([level]) => level === 'debug')).toHaveLength(5);
  });

  it('remembers fifty reasons, and not more', () => {
    const outage = (detail: string): number => {
      const before = lines.length;
      Logger.overrideLogger(['error', 'warn', 'log']);
      refuse(new ProviderUnavailableError({ detail }));
      return lines.length - before;
    };
    for (let reason = 0; reason < 50; reason++) expect(outage(`reason ${reason}`)).toBe(1);
    expect(outage('reason 0')).toBe(0);
    expect(outage('reason 50')).toBe(1);
    expect(outage('reason 0')).toBe(1);
  });

  describe('an event, whose sender hears of nothing,', () => {
    beforeEach(async () => {
      await loadRpcException();
      Logger.overrideLogger(['error', 'warn', 'log']);
    });
    const event = (error: Error = invalidToken('expired', 'exp is past'), handlerType = EVENT): void =>
      void refuse(error, hostOf('rpc', [{}, {}], handlerType));

    it('is warned of, and how often it came since', () => {
      const line = `${PLACE}: rejected an event: 401 invalid_token: exp is past`;
      event();
      expect(lines).toEqual([['warn', line]]);
      event();
      event();
      expect(lines).toHaveLength(1);
      advanceClock(61);
      event();
      advanceClock(61);
      event();
      expect(lines.slice(1)).toEqual([
        ['warn', `${line} (and 2 more since this was last logged)`],
        ['warn', line],
      ]);
    });

    it('is told apart by its reason, not by its detail', () => {
      event(invalidToken('expired', 'exp is past'));
      event(invalidToken('expired', 'exp is long past'));
      event(invalidToken('signature', 'no key fits'));
      event(new MissingTokenError());
      expect(lines.map(([, line]) => line.split(': ').at(-1))).toEqual([
        'exp is past',
        'no key fits',
        new MissingTokenError().message,
      ]);
    });

    it('is one where the handler is not known', () => {
      const host = { getType: () => 'rpc', getArgs: () => [{}, {}] };
      refuse(invalidToken('expired', 'exp is past'), host as never);
      expect(lines).toHaveLength(1);
    });

    it('is no message that is answered, and no call of another kind', () => {
      event(undefined, MESSAGE);
      refuse(invalidToken('expired', 'exp is past'), hostOf('telegraf', [{}, {}], EVENT));
      expect(lines).toEqual([]);
    });

    it('that cannot be decided on is logged as such, not twice', () => {
      event(new ProviderUnavailableError({ detail: 'no answer' }));
      expect(lines).toEqual([['warn', `${PLACE}: rejected: no answer`]]);
    });
  });
});

describe('offerFor', () => {
  class Routes {
    plain(): void {}
    @Scopes('read', 'write') scoped(): void {}
    @DPoPBound() bound(): void {}
    @Audience('https://api.example.com/invoices') audience(): void {}
  }
  const GOOD = { issuer: 'https://issuer.example', audience: 'https://api.example.com' };
  const offer = (
    given: Partial<AuthModuleOptions> = {},
    route?: keyof Routes,
    presented?: Offer['presented'],
  ): Offer =>
    offerFor(
      resolveOptions({ ...GOOD, ...given }, () => undefined),
      route && readRoutePolicy(Routes, Routes.prototype[route]),
      presented,
    );

  it('names the schemes that the options and the route accept', () => {
    expect(offer().schemes).toEqual(['Bearer']);
    expect(offer({}, 'plain').schemes).toEqual(['Bearer']);
    expect(offer({ dpop: { mode: 'when_present' } }, 'plain').schemes).toEqual(['Bearer', 'DPoP']);
    expect(offer({ dpop: { mode: 'required' } }, 'plain').schemes).toEqual(['DPoP']);
    expect(offer({ dpop: { mode: 'required' } }).schemes).toEqual(['DPoP']);
    expect(offer({ dpop: { mode: 'when_present' } }, 'bound').schemes).toEqual(['DPoP']);
  });

  it('names the scopes of the route, and how the token was presented', () => {
    expect(offer({}, 'scoped', 'DPoP')).toMatchObject({ scopes: ['read', 'write'], presented: 'DPoP' });
    expect(offer()).toMatchObject({ scopes: [], presented: undefined });
  });

  it("names the metadata of the route's API", () => {
    const described = {
      audience: [GOOD.audience, `${GOOD.audience}/invoices`],
      resourceMetadata: {},
    } as never;
    expect(offer(described, 'plain').resourceMetadata).toBe(
      'https://api.example.com/.well-known/oauth-protected-resource',
    );
    expect(offer(described, 'audience').resourceMetadata).toBe(
      'https://api.example.com/.well-known/oauth-protected-resource/invoices',
    );
    expect(offer(described).resourceMetadata).toBe(
      'https://api.example.com/.well-known/oauth-protected-resource',
    );
  });
});

describe('routeOf', () => {
  it('is the class and the name of the function, else that of the method', () => {
    const unnamed = (
      () => () =>
        undefined
    )();
    class Streams extends Orders {}
    const instance = Object.assign(new Streams(), { placed: unnamed });
    const of = (handler: () => void): string => routeOf(new ExecutionContextHost([], Streams, handler));
    expect(of(Orders.prototype.list)).toBe('Streams.list');
    expect(of(unnamed)).toBe('Streams.');
    registerHandlers(Streams, instance);
    expect(of(unnamed)).toBe('Streams.placed');
  });
});
