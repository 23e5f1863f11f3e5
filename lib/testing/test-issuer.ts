/** An issuer for tests and development, over real HTTP on a loopback address. */
import { randomBytes } from 'node:crypto';
import { DEFAULT_PREFIX } from '../options/resolve-options.js';
import { HostileTokens } from './hostile-tokens.js';
import { IssuerServer, type RecordedRequest } from './server/issuer-server.js';
import { Mint, type TokenOptions } from './mint.js';
import { TokenEndpoint, type TokenEndpointOptions } from './server/token-endpoint.js';
import { TestCertificate } from './test-certificate.js';
import { TestDPoPKey } from './test-dpop-key.js';
import type { TestAlgorithm } from './signing-key.js';

/** Options of {@link TestIssuer.start}. */
export interface TestIssuerOptions {
  /** The audience of the tokens. @default 'https://api.example.com' */
  readonly audience?: string;
  /**
   * The algorithm that tokens are signed with. Generating a key for `RS256` and `PS256` takes longer. @default 'ES256'
   */
  readonly algorithm?: TestAlgorithm;
  /** The prefix of the variables in `environment`: the module's `envPrefix`. @default 'MONOCLOUD_BACKEND_' */
  readonly envPrefix?: string;
  /** The port to listen on. @default 0, a free port */
  readonly port?: number;
  /** The secret of the client for introspection. @default a random one */
  readonly clientSecret?: string;
  /**
   * Issues tokens at `/token` (client credentials grant) to every program on this machine, without checking credentials. The options are
   * the defaults of these tokens; `{}` is sufficient. @default none: `/token` answers 404
   */
  readonly tokenEndpoint?: TokenEndpointOptions;
}

/** The options of `AuthModule` for a {@link TestIssuer}. */
export interface TestOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/**
 * An authorization server for tests: discovery, keys, introspection and revocation over HTTP, and methods that create valid and invalid
 * tokens. It does not sign users in, and issues tokens over HTTP only if `tokenEndpoint` is set.
 *
 * Introspection and revocation check the client's credentials (`client_secret_post` or `client_secret_basic` only). Times follow
 * `Date.now()`, so that fake timers apply.
 *
 * Close it after the tests. An issuer that is not closed does not keep the process alive.
 */
export class TestIssuer implements AsyncDisposable {
  /** Tokens that must be rejected. */
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

  /**
   * Starts an issuer on a loopback address, with a new key.
   *
   * @example
   * ```ts
   * const issuer = await TestIssuer.start();
   * Object.assign(process.env, issuer.environment); // before the module is compiled
   * const token = issuer.token({ sub: 'user-7', scope: 'read:orders' });
   * ```
   */
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
   * Starts several issuers with different keys, for an application that accepts tokens of several issuers.
   *
   * @param names the names of the issuers, as in the option `issuers`
   * @returns the issuers by name
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

  /** The issuer's name and URL: `http://127.0.0.1:<port>`. */
  get issuer(): string {
    return this.mint.issuer;
  }

  /** The audience of the tokens. */
  get audience(): string {
    return this.mint.audience;
  }

  /**
   * For `AuthModule.forRoot(issuer.options)`: this issuer, its audience, and a client for introspection. No other option is set, so that
   * you can combine them with the application's own options.
   */
  get options(): TestOptions {
    const { id, secret } = this.server.client;
    return { issuer: this.issuer, audience: this.audience, clientId: id, clientSecret: secret };
  }

  /**
   * The same options as variables: call `Object.assign(process.env, issuer.environment)` before the application is created. They take
   * precedence over a `.env` file.
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

  /** The requests that the issuer has received since it started, or since `issuer.requests.length = 0`. */
  get requests(): RecordedRequest[] {
    return this.server.requests;
  }

  /** Creates a valid access token, a signed JWT. By default it has no scopes and no groups. */
  token(options: TokenOptions = {}): string {
    const claims = this.mint.claims(options);
    const token = this.mint.key.sign(this.mint.header(options), claims);
    this.server.activate(token, claims);
    return token;
  }

  /** Creates a valid opaque access token, which the application has to introspect. */
  opaqueToken(options: TokenOptions = {}): string {
    const token = randomBytes(24).toString('base64url');
    this.server.activate(token, this.mint.claims(options));
    return token;
  }

  /**
   * Revokes a token: introspection then responds with `active: false`. The application does not notice this for JWTs that it validates
   * locally, and while an earlier response is cached (`introspectionCacheDuration`).
   */
  revoke(token: string): void {
    this.server.deactivate(token);
  }

  /** Creates a key of a client, with tokens bound to it and proofs. */
  dpop(): TestDPoPKey {
    return new TestDPoPKey((options) => this.token(options));
  }

  /** Creates a self-signed client certificate, with tokens bound to it. */
  certificate(): TestCertificate {
    return new TestCertificate((options) => this.token(options));
  }

  /**
   * Signs with a new key from now on.
   *
   * @param keepOld whether the old keys are still published. @default false: they are withdrawn, and their tokens are rejected as soon as
   *   the application fetches the keys again
   */
  rotateKeys({ keepOld = false }: { readonly keepOld?: boolean } = {}): void {
    this.mint.rotate();
    this.server.keys = [this.mint.key.jwk, ...(keepOld ? this.server.keys : [])];
  }

  /**
   * Simulates an outage.
   *
   * @param status the status of every response. @default none: every connection breaks
   */
  goDown(status?: number): void {
    this.server.outage = status ?? 'broken';
  }

  /** Ends the outage. */
  comeBack(): void {
    this.server.outage = undefined;
  }

  /** Closes the server and all connections. */
  close(): Promise<void> {
    return this.server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
