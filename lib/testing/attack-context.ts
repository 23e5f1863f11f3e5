/** Builds the requests to the route under attack, with valid tokens and proofs. */
import type { Headers, Shot } from './attack-target.js';
import type { TokenOptions } from './mint.js';
import { upgradeHeaders } from './websocket-answer.js';
import type { TestDPoPKey } from './test-dpop-key.js';
import type { TestIssuer } from './test-issuer.js';

/** A route to attack, and a valid token for it. */
export interface AttackedRoute {
  /** The method of the request. @default 'GET', with `graphql` 'POST' */
  readonly method?: string;
  /** The path as clients send it: with the global prefix, the version, and values for parameters. */
  readonly path: string;
  /**
   * The content of a valid token: exactly the scopes and groups that the route requires. A token without them must be rejected with 403.
   * @default a token without scopes and groups
   */
  readonly token?: TokenOptions;
  /** The route is `@OptionalAuth()`: a request without a token is accepted. @default false */
  readonly optional?: boolean;
  /** The route requires DPoP-bound tokens: valid tokens are sent with a proof. @default false */
  readonly dpop?: boolean;
  /** Sent as JSON with every request. @default none */
  readonly body?: unknown;
  /**
   * A GraphQL operation with one root field, sent to `path` by POST: `{ orders { id } }`. A response counts as rejected if it has the error
   * of this module and no data. Subscriptions are not tested.
   */
  readonly graphql?: string;
  /**
   * `path` is that of a gateway on the package `ws`: the handshake is attacked, with the requirements of the gateway's class. socket.io and
   * single messages are not tested. @default false
   */
  readonly webSocket?: boolean;
}

/** Claims in which providers write scopes and groups. */
const GRANTING_CLAIMS = ['scope', 'scp', 'groups', 'roles', 'realm_access', 'resource_access'];

export class AttackContext {
  readonly attack: TestIssuer['attack'];
  /** The content of a valid token. Each attack changes one part of it. */
  readonly good: TokenOptions;
  readonly key: TestDPoPKey;
  readonly method: string;
  readonly url: string;

  constructor(
    readonly issuer: TestIssuer,
    private readonly route: AttackedRoute,
    origin: string,
  ) {
    this.attack = issuer.attack;
    this.key = issuer.dpop();
    this.method = route.method ?? (route.graphql === undefined ? 'GET' : 'POST');
    this.url = origin + route.path;
    this.good = { ...route.token, ...(route.dpop && { boundTo: this.key }) };
  }

  /** The content of a valid token without scopes and groups. */
  get withoutGrants(): TokenOptions {
    const { scope: _scope, groups: _groups, claims = {}, ...others } = this.good;
    const kept = Object.entries(claims).filter(([name]) => !GRANTING_CLAIMS.includes(name));
    return { ...others, claims: Object.fromEntries(kept) };
  }

  goodToken(): string {
    return this.issuer.token(this.good);
  }

  /** The path of the route, without the query. */
  get path(): string {
    return new URL(this.url).pathname;
  }

  /** Builds a request with a token, as clients of this route send it. */
  present(token: string): Shot {
    return this.route.dpop ? this.prove(token) : this.send([['Authorization', `Bearer ${token}`]]);
  }

  /** Builds a request with a token and a proof, by default with the key that the valid tokens are bound to. */
  prove(token: string, key = this.key, differing: { method?: string; url?: string } = {}): Shot {
    const { authorization, dpop } = key.headers({ method: this.method, url: this.url, token, ...differing });
    return this.send([
      ['Authorization', authorization],
      ['DPoP', dpop],
    ]);
  }

  send(headers: Headers, query = ''): Shot {
    const { graphql, body = graphql && { query: graphql } } = this.route;
    const url = this.url + (query && (this.url.includes('?') ? '&' : '?') + query);
    const { method } = this;
    if (this.route.webSocket === true) return { url, method, headers: [...headers, ...upgradeHeaders()] };
    if (body === undefined) return { url, method, headers };
    const text = JSON.stringify(body);
    const describing: Headers = [
      ['Content-Type', 'application/json'],
      ['Content-Length', String(Buffer.byteLength(text))],
    ];
    return { url, method, headers: [...headers, ...describing], body: text };
  }
}
