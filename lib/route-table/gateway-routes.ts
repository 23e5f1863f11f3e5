/** Lists the gateways of the application, with the requirements for connecting and for each message. */
import { Inject, Injectable } from '@nestjs/common';
import { handlersOf } from '../guard/sockets/places.js';
import { SocketGateways } from '../guard/sockets/socket-gateways.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';
import { readRoutePolicy, type RoutePolicy } from '../policy/route-policy.js';
import { describePolicy } from './describe-policy.js';
import type { RouteEntry } from './route-entry.js';

@Injectable()
export class GatewayRoutes {
  constructor(
    @Inject(SocketGateways) private readonly gateways: SocketGateways,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** @throws {ConfigurationError} if decorators contradict one another */
  read(): readonly RouteEntry[] {
    return this.gateways.list().flatMap(({ gateway, name, place }) => {
      const { metatype } = gateway;
      const connecting = this.#entryOf('CONNECT', name, place?.policy, `${metatype.name}.handleConnection`);
      const messages = handlersOf(metatype).map(({ property, message, handler }) => {
        const isGuarded = this.gateways.guardsHandler(gateway, handler);
        const policy = isGuarded ? readRoutePolicy(metatype, handler) : undefined;
        return this.#entryOf('MESSAGE', message, policy, `${metatype.name}.${property}`);
      });
      return [connecting, ...messages];
    });
  }

  /** @param policy `undefined` if no guard runs */
  #entryOf(method: string, path: string, policy: RoutePolicy | undefined, handler: string): RouteEntry {
    const {
      requirements: _requirements,
      mentionedScopes: _mentioned,
      ...described
    } = describePolicy(policy ?? UNGUARDED, this.options);
    return {
      kind: 'ws',
      method,
      path,
      version: undefined,
      host: undefined,
      ...described,
      ...(!policy && { access: 'unprotected', declared: false, binding: [] }),
      handler,
    };
  }
}

const UNGUARDED: RoutePolicy = Object.freeze({
  access: 'public',
  declared: false,
  requirements: [],
  certificateBound: false,
  dpopBound: false,
  introspectMaxAge: undefined,
  issuers: [],
  audience: undefined,
});
