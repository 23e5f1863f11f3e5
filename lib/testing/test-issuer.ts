/** Who issues tokens in a test? A real issuer over real HTTP, on a free port of this machine. */
import { randomBytes } from 'node:crypto';
import { DEFAULT_PREFIX } from '../options/resolve-options.js';
import { HostileTokens } from './hostile-tokens.js';
import { IssuerServer, type RecordedRequest } from './server/issuer-server.js';
import { Mint, type TokenOptions } from './mint.js';
import { TokenEndpoint, type TokenEndpointOptions } from './server/token-endpoint.js';
import { TestCertificate } from './test-certificate.js';
import { TestDPoPKey } from './test-dpop-key.js';
import type { TestAlgorithm } from './signing-key.js';

export interface TestIssuerOptions {
  /** What tokens are meant for, unless they say otherwise. @default 'https://api.example.com' */
  readonly audience?: string;
  /** What tokens are signed with. `RS256` and `PS256` take a moment to make a key. @default 'ES256' */
  readonly algorithm?: TestAlgorithm;
  /** What the names in `environment` begin with: the module's `envPrefix`. @default 'MONOCLOUD_BACKEND_' */
  readonly envPrefix?: string;
  /** @default 0, a free one */
  readonly port?: number;
  /** The secret of the client that introspects. @default a random one */
  readonly clientSecret?: string;
  /**
   * Gives tokens at `/token` (client credentials grant) to every program on this machine, without checking credentials:
   * what these tokens hold, unless the request says otherwise; `{}` will do. @default none: `/token` is a 404
   */
  readonly tokenEndpoint?: TokenEndpointOptions;
}

/** As much of `AuthModuleOptions` as a {@link TestIssuer} says. */
export interface TestOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * An authorization server for tests: discovery, keys, introspection and revocation, and every kind of token, good ones
 * and bad ones. Nobody can sign in there; over HTTP it gives no tokens, unless `tokenEndpoint` is set.
 *
 * Introspection and revocation check the client's credentials (`client_secret_post`, `client_secret_basic`; no other
 * method). Times follow `Date.now()`, so that fake timers count.
 *
 * Close it when the tests are done. One that was forgotten does not keep the process from ending.
 */
export class TestIssuer implements AsyncDisposable {
  /** Tokens that must be refused. */
  readonly attack: HostileTokens;

  private constructor(
    private readonly server: IssuerServer,
    private readonly mint: Mint,
    private readonly envPrefix: string,
  ) {
    this.attack = new HostileTokens(mint);
    server.keys = [mint.key.jwk];
    server.strangersKeys = [this.attack.strangersKey];
  }

  static async start({
    audience = 'https://api.example.com',
    algorithm = 'ES256',
    envPrefix = DEFAULT_PREFIX,
    port = 0,
    clientSecret = randomBytes(24).toString('base64url'),
    tokenEndpoint,
  }: TestIssuerOptions = {}): Promise<TestIssuer> {
    const server = await IssuerServer.start({ id: 'test-api', secret: clientSecret }, port);
    const self = new TestIssuer(server, new Mint(server.origin, audience, algorithm), envPrefix);
    if (tokenEndpoint) {
      const { opaque = false, ...defaults } = tokenEndpoint;
      const mint = (options?: TokenOptions): string =>
        opaque ? self.opaqueToken(options) : self.token(options);
      server.tokenEndpoint = new TokenEndpoint(mint, defaults);
    }
    return self;
  }

  /**
   * Several at once, each with keys of its own, for an application that trusts several issuers.
   *
   * @param names as in the option `issuers`
   * @returns by name
   *
   * @example
   * ```ts
   * const issuers = await TestIssuer.startSeveral(['staff', 'customers']);
   * AuthModule.forRoot({ issuers: Object.entries(issuers).map(([name, each]) => ({ name, ...each.options })) });
   * ```
   */
  static async startSeveral<const Name extends string>(
    names: readonly Name[],
    options: Omit<TestIssuerOptions, 'port'> = {},
  ): Promise<Readonly<Record<Name, TestIssuer>>> {
    const started = await Promise.all(
      names.map(async (name) => [name, await TestIssuer.start(options)] as const),
    );
    return Object.fromEntries(started) as Record<Name, TestIssuer>;
  }

  /** The issuer's name and address: `http://127.0.0.1:<port>`. */
  get issuer(): string {
    return this.mint.issuer;
  }

  get audience(): string {
    return this.mint.audience;
  }

  /**
   * For `AuthModule.forRoot(issuer.options)`: this issuer, its audience, and a client for introspection. Nothing else is
   * set, so that the application's own options can stand beside it.
   */
  get options(): TestOptions {
    const { id, secret } = this.server.client;
    return { issuer: this.issuer, audience: this.audience, clientId: id, clientSecret: secret };
  }

  /**
   * The same as variables, for an application that reads them: `Object.assign(process.env, issuer.environment)`, before
   * the application is made. They win over a `.env` file.
   */
  get environment(): Readonly<Record<string, string>> {
    const { issuer, audience, clientId, clientSecret } = this.options;
    const values = {
      TENANT_DOMAIN: issuer,
      AUDIENCE: audience,
      CLIENT_ID: clientId,
      CLIENT_SECRET: clientSecret,
    };
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [this.envPrefix + name, value]));
  }

  /** What the issuer was asked since it started, or since `issuer.requests.length = 0`. */
  get requests(): RecordedRequest[] {
    return this.server.requests;
  }

  /** A good access token, a signed JWT. It holds no scopes and no groups unless told. */
  token(options: TokenOptions = {}): string {
    const claims = this.mint.claims(options);
    const token = this.mint.key.sign(this.mint.header(options), claims);
    this.server.activate(token, claims);
    return token;
  }

  /** A good access token that says nothing by itself: the application has to ask for it. */
  opaqueToken(options: TokenOptions = {}): string {
    const token = randomBytes(24).toString('base64url');
    this.server.activate(token, this.mint.claims(options));
    return token;
  }

  /**
   * From now on introspection says that the token is not active. Who does not ask does not hear of it: JWTs are validated
   * without asking, and an earlier answer may be remembered (`introspectionCacheDuration`).
   */
  revoke(token: string): void {
    this.server.deactivate(token);
  }

  /** A key of a client, tokens bound to it, and proofs. */
  dpop(): TestDPoPKey {
    return new TestDPoPKey((options) => this.token(options));
  }

  /** A self-signed client certificate, and tokens bound to it. */
  certificate(): TestCertificate {
    return new TestCertificate((options) => this.token(options));
  }

  /**
   * Signs with a new key from now on.
   *
   * @param keepOld whether the old keys are still published. @default false: they are withdrawn, and tokens signed with
   *   them are refused as soon as the application fetches the keys again
   */
  rotateKeys({ keepOld = false }: { readonly keepOld?: boolean } = {}): void {
    this.mint.rotate();
    this.server.keys = [this.mint.key.jwk, ...(keepOld ? this.server.keys : [])];
  }

  /** @param status answers every request with this status. @default every connection breaks */
  goDown(status?: number): void {
    this.server.outage = status ?? 'broken';
  }

  comeBack(): void {
    this.server.outage = undefined;
  }

  /** Ends all connections; nothing is left open. */
  close(): Promise<void> {
    return this.server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
