/** Errors that handlers throw are answered as the guard answers them, and the filters of the application see them. */
import {
  BadRequestException,
  Catch,
  HttpException,
  UnauthorizedException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { ApplicationConfig, BaseExceptionFilter } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { jest } from '@jest/globals';
import { Audience } from '../../../lib/policy/audience.decorator.js';
import { attachHandshake, type SocketHandshake } from '../../../lib/credentials/socket-handshake.js';
import { invalidToken } from '../../../lib/errors/auth.errors.js';
import { rememberAdmission } from '../../../lib/guard/admitted-requests.js';
import { AuthErrorFilter } from '../../../lib/guard/auth-error.filter.js';
import { REFUSED_MESSAGE_FILTER } from '../../../lib/guard/rpc/refused-messages.filter.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { readRoutePolicy } from '../../../lib/policy/route-policy.js';
import { attachPrincipal } from '../../../lib/principal/authenticated-request.js';
import { loadRpcException } from '../../../lib/transport/rpc-exception.js';
import { rpcErrorOf } from '../../../lib/transport/rpc.transport.js';
import '../../support/output-logger.js';
import { lastValueFrom, of, type Observable } from 'rxjs';

const AUDIENCE = 'https://api.example.com';
const ERROR = invalidToken('expired', 'exp is past');

class Noting implements ExceptionFilter {
  readonly caught: unknown[] = [];
  catch(exception: unknown, host: ArgumentsHost): unknown {
    this.caught.push(exception, host);
    return of('the answer of the application');
  }
}
@Catch()
class Everything extends Noting {}
@Catch(BadRequestException, UnauthorizedException)
class Unauthorized extends Noting {}
@Catch(BadRequestException)
class BadRequest extends Noting {}
@Catch(...(['a string', {}] as never[]))
class NoClass extends Noting {}

class Orders {
  list(): void {}
  @Audience(`${AUDIENCE}/invoices`) invoices(): void {}
}

describe('AuthErrorFilter', () => {
  let config: ApplicationConfig;
  let filter: AuthErrorFilter;
  const options = resolveOptions(
    {
      issuer: 'https://issuer.example',
      audience: [AUDIENCE, `${AUDIENCE}/invoices`],
      dpop: { mode: 'when_present' },
    },
    () => undefined,
  );
  const described = resolveOptions(
    {
      issuer: 'https://issuer.example',
      audience: [AUDIENCE, `${AUDIENCE}/invoices`],
      resourceMetadata: {} as never,
    },
    () => undefined,
  );
  beforeEach(() => {
    config = new ApplicationConfig();
    filter = new AuthErrorFilter(options, config);
  });

  const hostOf = (type: string, args: unknown[]): ExecutionContextHost => {
    const host = new ExecutionContextHost(args, Orders, Orders.prototype.list);
    host.setType(type);
    return host;
  };
  const httpHost = (
    request: object = {},
  ): { host: ExecutionContextHost; headers: Record<string, unknown> } => {
    const headers: Record<string, unknown> = {};
    const response = { header: (name: string, value: unknown) => (headers[name] = value) };
    return { host: hostOf('http', [request, response]), headers };
  };

  it('stands last among the global filters, which Nest asks first, and the filter for messages first', () => {
    const [first, second] = [new Everything(), new BadRequest()];
    // Nest adds it, too, as a provider under APP_FILTER.
    config.useGlobalFilters(first, REFUSED_MESSAGE_FILTER, filter, second);
    expect(config.getGlobalFilters()).toEqual([REFUSED_MESSAGE_FILTER, first, second, filter]);
    expect(config.getGlobalFilters().at(-1)).toBe(filter);
  });

  describe('over HTTP', () => {
    it('sets the challenge, and gives the exception to the last filter of the application that catches it', () => {
      const [earlier, catching] = [new Everything(), new Unauthorized()];
      config.useGlobalFilters(earlier, catching, new BadRequest(), new NoClass());
      const { host, headers } = httpHost();
      filter.catch(ERROR, host);
      const [exception, given] = catching.caught as [HttpException, unknown];
      expect(exception).toBeInstanceOf(UnauthorizedException);
      expect(exception.cause).toBe(ERROR);
      expect(given).toBe(host);
      expect(earlier.caught).toEqual([]);
      expect(headers['WWW-Authenticate']).toEqual([
        'Bearer error="invalid_token", error_description="The access token expired"',
        expect.stringMatching(/^DPoP algs="/),
      ]);
    });

    it('gives it to a filter that catches everything, or that says nothing of what it catches', () => {
      for (const catching of [new Everything(), new Noting()]) {
        config = new ApplicationConfig();
        filter = new AuthErrorFilter(options, config);
        config.useGlobalFilters(catching);
        filter.catch(ERROR, httpHost().host);
        expect(catching.caught).toHaveLength(2);
      }
    });

    it('answers as Nest does where no filter of the application catches it', () => {
      config.useGlobalFilters(new BadRequest(), new NoClass());
      const answer = jest.spyOn(BaseExceptionFilter.prototype, 'catch').mockImplementation(function (
        this: unknown,
        ...args: unknown[]
      ) {
        expect(this).toBe(filter);
        answered.push(args);
      } as never);
      const answered: unknown[] = [];
      const { host } = httpHost();
      filter.catch(ERROR, host);
      answer.mockRestore();
      expect(answered).toEqual([[expect.any(UnauthorizedException), host]]);
    });

    it('names the scheme of the token that the request was admitted with', () => {
      config.useGlobalFilters(new Everything());
      const challengeFor = (claims: object | undefined): unknown => {
        const request = {};
        if (claims) attachPrincipal(request, { claims, token: 'a' } as never, false);
        const { host, headers } = httpHost(request);
        filter.catch(ERROR, host);
        return (headers['WWW-Authenticate'] as readonly string[])[0]?.split(' ')[0];
      };
      expect(challengeFor({ cnf: { jkt: 'a' } })).toBe('DPoP');
      expect(challengeFor({ cnf: {} })).toBe('Bearer');
      expect(challengeFor({})).toBe('Bearer');
      expect(challengeFor(undefined)).toBe('Bearer');
    });

    it('names the API of the route that the request was admitted to', () => {
      const challengeFor = (method: keyof Orders | undefined): unknown => {
        config = new ApplicationConfig();
        filter = new AuthErrorFilter(described, config);
        config.useGlobalFilters(new Everything());
        const request = {};
        if (method) rememberAdmission(request, described, readRoutePolicy(Orders, Orders.prototype[method]));
        const { host, headers } = httpHost(request);
        filter.catch(ERROR, host);
        return headers['WWW-Authenticate'];
      };
      const metadata = `resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource`;
      expect(challengeFor('invoices')).toContain(`${metadata}/invoices"`);
      expect(challengeFor('list')).toContain(`${metadata}"`);
      expect(challengeFor(undefined)).toContain(`${metadata}"`);
    });
  });

  describe('of a message', () => {
    beforeEach(async () => loadRpcException());

    it('gives the exception to the filter of the application that catches it', async () => {
      const catching = new Everything();
      config.useGlobalFilters(catching, new Unauthorized());
      const host = hostOf('rpc', [{}, {}]);
      const answer = filter.catch(ERROR, host) as Observable<unknown>;
      await expect(lastValueFrom(answer)).resolves.toBe('the answer of the application');
      expect(rpcErrorOf(catching.caught[0])).toMatchObject({ statusCode: 401, errorCode: 'invalid_token' });
      expect(catching.caught[1]).toBe(host);
    });

    it('tells the sender where no filter of the application catches it', async () => {
      config.useGlobalFilters(new BadRequest());
      const answer = filter.catch(ERROR, hostOf('rpc', [{}, {}])) as Observable<unknown>;
      await expect(lastValueFrom(answer)).rejects.toMatchObject({
        statusCode: 401,
        errorCode: 'invalid_token',
      });
    });
  });

  it('sends the exception to the client of a gateway, and to no filter', () => {
    const catching = new Everything();
    config.useGlobalFilters(catching);
    const sent: unknown[] = [];
    const client = { emit: (...event: unknown[]) => sent.push(event) };
    attachHandshake(client, {
      request: { headers: {} },
      params: { kind: 'socket.io', auth: undefined },
      credentials: undefined,
      sender: {},
      answerHeaders: undefined,
    } satisfies SocketHandshake);
    expect(() => filter.catch(ERROR, hostOf('ws', [client, {}]))).not.toThrow();
    expect(sent).toEqual([['exception', expect.objectContaining({ status: 'error', statusCode: 401 })]]);
    expect(catching.caught).toEqual([]);
  });

  it('throws the exception in every other context', () => {
    const catching = new Everything();
    config.useGlobalFilters(catching);
    const thrown = (host: ArgumentsHost): unknown => {
      try {
        return filter.catch(ERROR, host);
      } catch (error) {
        return error;
      }
    };
    for (const host of [hostOf('graphql', [{}, {}, {}, {}]), hostOf('telegraf', [{}])]) {
      const error = thrown(host);
      expect(error).toBeInstanceOf(HttpException);
      expect((error as HttpException).cause).toBe(ERROR);
    }
    expect(catching.caught).toEqual([]);
  });
});
