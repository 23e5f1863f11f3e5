/** All of MonoShop on ports of its own: authorization server, both APIs, front end; what goes to browsers is recorded. */
import { Service } from '../../../sample/support/launch/service.js';
import { keepSecret } from '../../support/no-secrets-in-output.js';
import { freePort } from '../../support/ports.js';
import type { CompiledSample } from './compiled-sample.js';
import { RecordingProxy, type Exchange } from './recording-proxy.js';
import { ShopClock } from './shop-clock.js';

type ApiName = 'product-api' | 'invoice-api';

/** How long access tokens live, and how long before its end one is renewed. */
export const TOKEN_TTL_SECONDS = 3600;
export const RENEW_BEFORE_SECONDS = 30;

interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

export class Shop {
  readonly #apis = new Map<ApiName, { service: Service; readonly port: number }>();
  readonly #others: Service[] = [];

  private constructor(
    private readonly sample: CompiledSample,
    private readonly clock: ShopClock,
    /** What browsers and the other servers call the authorization server. */
    readonly idp: RecordingProxy,
    /** What browsers call the front end. */
    readonly web: RecordingProxy,
  ) {}

  static async start(sample: CompiledSample, webProgram: URL): Promise<Shop> {
    const [idpPort, webPort] = [await freePort(), await freePort()];
    const [idp, web] = [await RecordingProxy.start(idpPort), await RecordingProxy.start(webPort)];
    const shop = new Shop(sample, new ShopClock(), idp, web);
    const places = { MONOSHOP_ISSUER: idp.origin, MONOSHOP_WEB_ORIGIN: web.origin };
    const ports = { 'product-api': await freePort(), 'invoice-api': await freePort() };

    await shop.#add({
      name: 'idp',
      port: idpPort,
      readyPath: '/.well-known/openid-configuration',
      environment: {
        ...places,
        MONOSHOP_TOKEN_TTL: String(TOKEN_TTL_SECONDS),
        MONOSHOP_INVOICE_TOKENS: 'jwt',
      },
    });
    // The Invoice API calls the Product API, so it has to know where that is.
    await shop.startApi('product-api', ports['product-api']);
    await Promise.all([
      shop.startApi('invoice-api', ports['invoice-api']),
      shop.#add({
        name: 'web',
        main: webProgram,
        port: webPort,
        readyPath: '/icon.svg',
        environment: {
          ...places,
          MONOSHOP_CLIENT_ID: 'shop-web',
          MONOSHOP_CLIENT_SECRET: 'shop-web-secret',
          MONOSHOP_PRODUCT_API: `http://localhost:${ports['product-api']}`,
          MONOSHOP_PRODUCT_AUDIENCE: audienceOf('product-api'),
          MONOSHOP_INVOICE_API: `http://localhost:${ports['invoice-api']}`,
          MONOSHOP_INVOICE_AUDIENCE: audienceOf('invoice-api'),
          MONOSHOP_RENEW_BEFORE: String(RENEW_BEFORE_SECONDS),
        },
      }),
    ]);
    return shop;
  }

  /** @param environment what is different from how it should be */
  async startApi(name: ApiName, port: number, environment: Record<string, string> = {}): Promise<void> {
    const service = new Service(this.sample.url, {
      name,
      port,
      readyPath: '/status',
      environment: {
        ...this.clock.environment,
        MONOCLOUD_BACKEND_TENANT_DOMAIN: this.idp.origin,
        MONOCLOUD_BACKEND_AUDIENCE: audienceOf(name),
        MONOCLOUD_BACKEND_CLOCK_TOLERANCE: '0',
        MONOCLOUD_BACKEND_BACKCHANNEL_LOGOUT: 'true',
        MONOCLOUD_BACKEND_LOGOUT_AUDIENCE: 'shop-web',
        ...(name === 'invoice-api' && this.#forInvoices()),
        ...environment,
      },
    });
    this.#apis.set(name, { service, port });
    await service.waitUntilAnswers();
  }

  /** Time passes in every process of the shop, and not in browsers. */
  advanceClock(seconds: number): void {
    this.clock.advance(seconds);
  }

  async stopApi(name: ApiName): Promise<void> {
    await this.#find(name).service.stop();
  }

  async restartApi(name: ApiName, environment: Record<string, string> = {}): Promise<void> {
    await this.stopApi(name);
    await this.startApi(name, this.#find(name).port, environment);
  }

  /** The status that an API answers to this token. */
  async ask(name: ApiName, path: string, token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` };
    const { status } = await fetch(`http://localhost:${this.#find(name).port}${path}`, { headers });
    return status;
  }

  /** What the front end asked the token endpoint for, and got. */
  get tokenAnswers(): readonly (Exchange & { readonly answer: TokenAnswer })[] {
    return this.idp.exchanges
      .filter(({ path, status }) => path === '/token' && status === 200)
      .map((exchange) => ({ ...exchange, answer: JSON.parse(exchange.body) as TokenAnswer }));
  }

  get renewals(): number {
    return this.tokenAnswers.filter(({ form }) => form.get('grant_type') === 'refresh_token').length;
  }

  /** Every access, refresh and ID token that was ever issued. */
  get tokens(): readonly string[] {
    return this.tokenAnswers
      .flatMap(({ answer }) => [answer.access_token, answer.refresh_token, answer.id_token])
      .filter((token) => token !== undefined)
      .map((token) => keepSecret(token));
  }

  /** Everything that was sent to browsers, each with what it is. */
  get sentToBrowsers(): readonly Exchange[] {
    const ofServers = ['/token', '/token/revocation'];
    return [...this.web.exchanges, ...this.idp.exchanges.filter(({ path }) => !ofServers.includes(path))];
  }

  async stop(): Promise<void> {
    const apis = [...this.#apis.values()].map(({ service }) => service);
    await Promise.all([...apis, ...this.#others].map((service) => service.stop()));
    await Promise.all([this.idp.close(), this.web.close()]);
    this.clock.remove();
  }

  async #add(plan: ConstructorParameters<typeof Service>[1]): Promise<void> {
    const environment = { ...this.clock.environment, ...plan.environment };
    const service = new Service(this.sample.url, { ...plan, environment });
    this.#others.push(service);
    await service.waitUntilAnswers();
  }

  /** What it takes to call the Product API on behalf of a caller. */
  #forInvoices(): Record<string, string> {
    return {
      MONOSHOP_PRODUCT_API: `http://localhost:${this.#find('product-api').port}`,
      MONOCLOUD_BACKEND_CLIENT_ID: 'invoice-api',
      MONOCLOUD_BACKEND_CLIENT_SECRET: 'invoice-api-secret',
    };
  }

  #find(name: ApiName) {
    const api = this.#apis.get(name);
    if (!api) throw new Error(`${name} has never been started`);
    return api;
  }
}

function audienceOf(name: ApiName): string {
  return `http://api.monoshop.com/${name === 'product-api' ? 'products' : 'invoices'}`;
}
