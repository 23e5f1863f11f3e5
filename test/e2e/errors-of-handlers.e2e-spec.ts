/** An error of this package that a handler lets through is answered as the guard answers it. */
import {
  Catch,
  Controller,
  Get,
  Headers,
  HttpException,
  Inject,
  Res,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import {
  ConfigurationError,
  InvalidRequestError,
  Public,
  ProviderError,
  ProviderUnavailableError,
  TokenError,
  TokenValidationService,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { Issuer } from '../support/issuer.js';
import { loggedLines } from '../support/no-secrets-in-output.js';

const ERRORS: Readonly<Record<string, Error>> = {
  provider: new ProviderError({ detail: 'invalid_client' }),
  outage: new ProviderUnavailableError({ retryAfter: 7 }),
  options: new ConfigurationError('introspectionEndpoint: missing'),
  request: new InvalidRequestError(),
  group: new TokenError('insufficient_groups'),
  scope: new TokenError('insufficient_scope', { scopes: ['read', 'write'] }),
  foreign: new Error('a fault of the application'),
};

@Controller()
@Public()
class DoorController {
  constructor(@Inject(TokenValidationService) private readonly tokens: TokenValidationService) {}

  @Get('validated') async validated(@Headers('x-token') token: string): Promise<unknown> {
    return this.tokens.validateAccessToken(token, { scopes: ['read'] });
  }
  @Get('thrown') thrown(@Headers('x-error') name: string): never {
    throw ERRORS[name] ?? new Error('unknown');
  }
  @Get('begun') begun(
    @Res() response: { raw?: { write(text: string): void }; write(text: string): void },
  ): void {
    (response.raw ?? response).write('partial');
    throw new TokenError('invalid_token');
  }
}

describe.each(PLATFORMS)('errors of handlers on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;
  beforeAll(async () => {
    issuer = await Issuer.start();
    app = await bootApp(issuer.options, { platform, controllers: [DoorController] });
  });
  afterAll(async () => {
    await app.close();
    await issuer.close();
  });

  it('answers what TokenValidationService throws as the guard does', async () => {
    const good = issuer.token({ claims: { scope: 'read' } });
    expect(await app.get('/validated', { 'x-token': good })).toMatchObject({ status: 200 });

    const expired = await app.get('/validated', { 'x-token': issuer.token({ claims: { exp: 1 } }) });
    expect(expired).toMatchObject({ status: 401, body: { statusCode: 401, message: 'unauthorized' } });
    expect(expired.headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The access token expired"',
    );

    const short = await app.get('/validated', { 'x-token': issuer.token({ claims: { scope: 'write' } }) });
    expect(short).toMatchObject({ status: 403, body: { statusCode: 403, message: 'forbidden' } });
    expect(short.headers['www-authenticate']).toBe('Bearer error="insufficient_scope", scope="read"');
  });

  it.each([
    ['provider', 500, undefined, undefined],
    ['outage', 503, undefined, '7'],
    ['options', 500, undefined, undefined],
    ['request', 400, 'Bearer error="invalid_request"', undefined],
    ['group', 403, 'Bearer error="insufficient_scope"', undefined],
    ['scope', 403, 'Bearer error="insufficient_scope", scope="read write"', undefined],
    ['foreign', 500, undefined, undefined],
  ])('%s: %i', async (name, status, challenge, retryAfter) => {
    const answer = await app.get('/thrown', { 'x-error': name });
    expect(answer.status).toBe(status);
    expect(answer.headers['www-authenticate']).toBe(challenge);
    expect(answer.headers['retry-after']).toBe(retryAfter);
    expect(answer.text).not.toMatch(/invalid_client|introspectionEndpoint|fault of/);
  });

  it("shows the application's own global filter the exception that the guard throws", async () => {
    @Catch(HttpException)
    class ProblemFilter implements ExceptionFilter {
      catch(exception: HttpException, host: ArgumentsHost): void {
        const adapter = filtered.nest.getHttpAdapter();
        adapter.reply(host.getArgByIndex(1), { problem: exception.getStatus() }, exception.getStatus());
      }
    }
    const filtered = await bootApp(issuer.options, {
      platform,
      controllers: [DoorController],
      beforeListening: (nest) => void nest.useGlobalFilters(new ProblemFilter()),
    });
    const answer = await filtered.get('/thrown', { 'x-error': 'scope' });
    expect(answer).toMatchObject({ status: 403, body: { problem: 403 } });
    expect(answer.headers['www-authenticate']).toContain('scope="read write"');
    await filtered.close();
  });

  it('leaves a response alone that has begun', async () => {
    const answer = await app.get('/begun');
    expect(answer).toMatchObject({ status: 200, text: expect.stringMatching(/^partial/) });
    expect(loggedLines().join('\n')).not.toContain('ERR_HTTP_HEADERS_SENT');
  });
});
