/** Does the OpenAPI document say what the decorators ask? Documents of @nestjs/swagger, judged by a validator. */
import { All, Controller, Get, Post, RequestMethod, Version, VersioningType } from '@nestjs/common';
import {
  ApiOperation,
  ApiResponse,
  ApiSecurity,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import {
  applyResourceServerSecurity,
  CertBound,
  DPoPBound,
  Groups,
  OptionalAuth,
  Public,
  RouteTable,
  Scopes,
  type AuthModuleOptions,
  type ResourceServerSecurityOptions,
} from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type AppSettings, type Controllers, type TestApp } from '../support/app.js';
import { AUDIENCE } from '../support/issuer.js';

// Nothing here asks the provider.
const OPTIONS: AuthModuleOptions = { issuer: 'https://issuer.example/tenant/', audience: AUDIENCE };

@Scopes('read:orders')
@Controller('orders')
class OrdersController {
  @Get() list(): string {
    return 'orders';
  }
  @Post() @Scopes('write:orders') @ApiOperation({ operationId: 'anything' }) create(): string {
    return 'created';
  }
  @Get('teaser') @OptionalAuth() teaser(): string {
    return 'teaser';
  }
  @Get('status') @Public() status(): string {
    return 'up';
  }
  @Get(':id/files/*') @Groups('staff', 'ops') files(): string {
    return 'file';
  }
  @Post(':id/refund') @CertBound() @DPoPBound() refund(): string {
    return 'refunded';
  }
  @Get('by-hand')
  @ApiSecurity('partner-key')
  @ApiResponse({ status: 401, description: 'Partners only.' })
  byHand(): string {
    return 'by hand';
  }
}

@Controller('me')
class MeController {
  @Get() show(): string {
    return 'me';
  }
}

interface Operation {
  readonly security?: unknown;
  readonly responses: Record<string, { readonly description: string; readonly headers?: object }>;
}

const operation = (document: OpenAPIObject, method: string, path: string): Operation =>
  (document.paths[path] as unknown as Record<string, Operation>)[method] as Operation;

async function expectValid(document: OpenAPIObject): Promise<void> {
  // What clients are sent: without what JSON leaves out.
  const { valid, errors } = await new Validator().validate(
    JSON.parse(JSON.stringify(document)) as Record<string, unknown>,
  );
  expect({ valid, errors }).toMatchObject({ valid: true });
}

describe.each(PLATFORMS)('OpenAPI on %s', (platform) => {
  let app: TestApp | undefined;

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  /** Made where applications make it: before they listen. */
  async function documentOf(
    controllers: Controllers,
    {
      prepare,
      openapi = '3.0.0',
      ignoreGlobalPrefix = false,
      valid = true,
      ...security
    }: ResourceServerSecurityOptions & {
      prepare?: AppSettings['beforeListening'];
      openapi?: string;
      ignoreGlobalPrefix?: boolean;
      valid?: boolean;
    } = {},
  ): Promise<OpenAPIObject> {
    let document: OpenAPIObject | undefined;
    app = await bootApp(OPTIONS, {
      platform,
      controllers,
      beforeListening: async (nest) => {
        await prepare?.(nest);
        const config = new DocumentBuilder()
          .setTitle('Orders')
          .setVersion('1')
          .addApiKey({ type: 'apiKey', in: 'header', name: 'x-key' }, 'partner-key')
          .setOpenAPIVersion(openapi)
          .build();
        document = applyResourceServerSecurity(
          SwaggerModule.createDocument(nest, config, { ignoreGlobalPrefix }),
          nest,
          security,
        );
      },
    });
    if (!document) throw new Error('no document');
    if (valid) await expectValid(document);
    return document;
  }

  it('says of each operation what its decorators ask', async () => {
    const document = await documentOf([OrdersController, MeController]);
    const securityOf = (method: string, path: string): unknown => operation(document, method, path).security;
    expect(securityOf('get', '/me')).toEqual([{ accessToken: [] }]);
    expect(securityOf('get', '/orders')).toEqual([{ accessToken: ['read:orders'] }]);
    expect(securityOf('post', '/orders')).toEqual([{ accessToken: ['read:orders', 'write:orders'] }]);
    expect(securityOf('get', '/orders/status')).toEqual([]);
    expect(securityOf('get', '/orders/teaser')).toEqual([{}, { accessToken: ['read:orders'] }]);
    expect(securityOf('post', '/orders/{id}/refund')).toEqual([
      { accessToken: ['read:orders'], dpopProof: [] },
    ]);
    expect(document.components?.securitySchemes).toMatchObject({
      accessToken: {
        type: 'openIdConnect',
        openIdConnectUrl: 'https://issuer.example/tenant/.well-known/openid-configuration',
        description: expect.stringContaining('Scopes in use: read:orders write:orders.') as unknown,
      },
      dpopProof: { type: 'apiKey', in: 'header', name: 'DPoP' },
    });
  });

  it('describes 401, 403 and 503 where they can come', async () => {
    const document = await documentOf([OrdersController, MeController]);
    const answers = (path: string, method = 'get'): string[] =>
      Object.keys(operation(document, method, path).responses);
    expect(answers('/orders/status')).toEqual(['200']);
    expect(answers('/me')).toEqual(['200', '401', '503']);
    expect(answers('/orders', 'post')).toEqual(['201', '401', '403', '503']);

    const { responses } = operation(document, 'get', '/orders/{id}/files/{path}');
    expect(responses['403']?.description).toBe(
      'The access token lacks: scope read:orders; groups staff or ops.',
    );
    expect(responses['401']?.headers).toHaveProperty('WWW-Authenticate');
    expect(responses['503']?.headers).toHaveProperty('Retry-After');
    expect(operation(document, 'get', '/orders/teaser').responses['401']?.description).toBe(
      'The access token is invalid.',
    );
    expect(operation(document, 'post', '/orders/{id}/refund').responses['401']?.description).toBe(
      'The access token is missing or invalid. It must be bound to the certificate and bound by DPoP.',
    );
  });

  it('leaves what was declared by hand, and may be applied twice', async () => {
    const document = await documentOf([OrdersController]);
    const byHand = operation(document, 'get', '/orders/by-hand');
    expect(byHand.security).toEqual([{ 'partner-key': [] }]);
    expect(byHand.responses['401']?.description).toBe('Partners only.');
    expect(Object.keys(byHand.responses)).toEqual(['401', '403', '503']);
    expect(document.components?.securitySchemes).toHaveProperty('partner-key');

    const before = JSON.stringify(document);
    if (app) applyResourceServerSecurity(document, app.nest);
    expect(JSON.stringify(document)).toBe(before);
  });

  it('finds operations under a prefix, also where the document leaves it out', async () => {
    const prepare: AppSettings['beforeListening'] = (nest) => {
      nest.setGlobalPrefix('api', { exclude: [{ path: 'me', method: RequestMethod.GET }] });
    };
    const full = await documentOf([OrdersController, MeController], { prepare });
    await app?.close();
    const short = await documentOf([OrdersController, MeController], { prepare, ignoreGlobalPrefix: true });
    for (const [document, path] of [
      [full, '/api/orders'],
      [short, '/orders'],
    ] as const) {
      expect(operation(document, 'get', path).security).toEqual([{ accessToken: ['read:orders'] }]);
      expect(operation(document, 'get', `${path}/status`).security).toEqual([]);
      expect(operation(document, 'get', '/me').security).toEqual([{ accessToken: [] }]);
    }
  });

  describe('versions', () => {
    @Controller({ path: 'things', version: '1' })
    class ThingsController {
      @Get() @Scopes('old') list(): string {
        return 'old';
      }
      @Get() @Version('2') @Public() listAnew(): string {
        return 'new';
      }
    }

    it('are operations of their own in the URI', async () => {
      const document = await documentOf([ThingsController], {
        prepare: (nest) => {
          nest.enableVersioning({ type: VersioningType.URI });
        },
      });
      expect(operation(document, 'get', '/v1/things').security).toEqual([{ accessToken: ['old'] }]);
      expect(operation(document, 'get', '/v2/things').security).toEqual([]);
    });

    it('are alternatives of one operation where a header chooses', async () => {
      const document = await documentOf([ThingsController], {
        prepare: (nest) => {
          nest.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' });
        },
      });
      expect(operation(document, 'get', '/things').security).toEqual([{}, { accessToken: ['old'] }]);
    });
  });

  it('knows routes of every method', async () => {
    @Controller('any')
    class AnyController {
      @All() @Scopes('any') any(): string {
        return 'any';
      }
    }
    // Swagger writes an operation for SEARCH, too, which OpenAPI has no word for.
    const document = await documentOf([AnyController], { valid: false });
    expect(Object.keys(document.paths['/any'] ?? {})).toContain('search');
    for (const { security } of Object.values(document.paths['/any'] ?? {}) as Operation[])
      expect(security).toEqual([{ accessToken: ['any'] }]);
  });

  it('names the flow where it is told the provider’s endpoints', async () => {
    const tokenUrl = 'https://issuer.example/token';
    const authorizationUrl = 'https://issuer.example/authorize';
    const scopes = { 'read:orders': '', 'write:orders': '' };
    const schemeOf = async (options: ResourceServerSecurityOptions): Promise<unknown> => {
      await app?.close();
      const document = await documentOf([OrdersController], options);
      return document.components?.securitySchemes?.[options.name ?? 'accessToken'];
    };
    expect(await schemeOf({ tokenUrl })).toMatchObject({
      type: 'oauth2',
      flows: { clientCredentials: { tokenUrl, scopes } },
    });
    expect(await schemeOf({ tokenUrl, authorizationUrl, name: 'shop' })).toMatchObject({
      type: 'oauth2',
      flows: { authorizationCode: { tokenUrl, authorizationUrl, scopes } },
    });
    await expect(schemeOf({ authorizationUrl })).rejects.toThrow('authorizationUrl requires tokenUrl');
    expect(() => applyResourceServerSecurity({ openapi: '3.0.0', paths: {} }, undefined as never)).toThrow(
      'the application is missing',
    );
  });

  it('can ask for a bearer token and no more', async () => {
    const document = await documentOf([OrdersController], { type: 'bearer' });
    expect(document.components?.securitySchemes?.['accessToken']).toMatchObject({
      type: 'http',
      scheme: 'bearer',
    });
    expect(operation(document, 'post', '/orders').security).toEqual([{ accessToken: [] }]);
  });

  it('asks for the client certificate where OpenAPI has a word for it', async () => {
    const document = await documentOf([OrdersController], { openapi: '3.1.0' });
    expect(operation(document, 'post', '/orders/{id}/refund').security).toEqual([
      { accessToken: ['read:orders'], dpopProof: [], clientCertificate: [] },
    ]);
    expect(document.components?.securitySchemes?.['clientCertificate']).toMatchObject({ type: 'mutualTLS' });
  });

  it('leaves Swagger’s own pages to the route table, which shows them as unprotected', async () => {
    app = await bootApp(OPTIONS, {
      platform: 'Express',
      controllers: [MeController],
      beforeListening: (nest) => {
        SwaggerModule.setup('docs', nest, SwaggerModule.createDocument(nest, new DocumentBuilder().build()));
      },
    });
    const unprotected = app.nest
      .get(RouteTable)
      .list()
      .filter(({ access }) => access === 'unprotected');
    expect(unprotected.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/docs', '/docs/*', '/docs-json', '/docs-yaml']),
    );
  });
});
