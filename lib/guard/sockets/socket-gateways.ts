/** Guards the servers of the application's gateways, as Nest's adapter makes them: gateways with a port of their own listen before any hook. */
import { Inject, Injectable, Logger, type CanActivate } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import { SocketMessage } from '../../credentials/socket-message.js';
import { ConfigurationError } from '../../errors/auth.errors.js';
import type { ResolvedOptions } from '../../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../../options/resolved-options.token.js';
import { readClassPolicy, readRoutePolicy, type RoutePolicy } from '../../policy/route-policy.js';
import { attachPrincipal } from '../../principal/authenticated-request.js';
import { AuthGuard } from '../auth.guard.js';
import { GuardCoverage } from '../guard-coverage.js';
import { OpenStreams } from '../streams/open-streams.js';
import { refusalOf, type Admissions } from './admission.js';
import { connectionOf } from './connection.js';
import { guardMessages, interceptErrors, sendRefusals } from './messages.js';
import {
  findGateways,
  handlersOf,
  makePlace,
  normalizeNamespace,
  normalizePath,
  type Gateway,
  type GatewayOptions,
  type Place,
} from './places.js';
import { guardNamespace, namespaceOf } from './socket-io.js';
import { guardUpgrades, isWsServer } from './ws-server.js';

/** As much of Nest's `WebSocketAdapter` as is used. */
interface Adapter {
  create(port: number, options?: GatewayOptions): object;
  bindMessageHandlers(client: object, handlers: readonly MessageBinding[], transform: unknown): unknown;
}

interface MessageBinding {
  readonly message: unknown;
  readonly callback: (...args: unknown[]) => unknown;
}

/** What a place without decorators requires: a good token. */
const GOOD_TOKEN: RoutePolicy = Object.freeze({
  access: 'protected',
  declared: false,
  requirements: Object.freeze([]),
  certificateBound: false,
  dpopBound: false,
  introspectMaxAge: undefined,
  issuers: Object.freeze([]),
  audience: undefined,
});

/**
 * Injects nothing that depends on the options: where those are request-scoped, nobody would make it, and gateways would be
 * open until that stops the start.
 */
@Injectable()
export class SocketGateways {
  readonly #log = new Logger('AuthModule');
  readonly #adapters = new WeakSet<object>();
  readonly #servers = new WeakSet<object>();
  readonly #isGuardedByNest: boolean;
  #gateways: readonly Gateway[] | undefined;

  constructor(
    @Inject(ModuleRef) private readonly self: ModuleRef,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(GuardCoverage) private readonly guards: GuardCoverage,
  ) {
    this.#isGuardedByNest = guardsGateways(config);
    // Nest asks for it before it reads the decorators of gateways and makes their servers.
    const read = config.getIoAdapter.bind(config);
    config.getIoAdapter = () => {
      this.#prepare();
      const adapter: unknown = read();
      if (adapter) this.#guardAdapter(adapter as Adapter);
      return adapter as ReturnType<ApplicationConfig['getIoAdapter']>;
    };
  }

  /** Once: what Nest reads of the classes when it binds their messages. */
  #prepare(): void {
    if (this.#gateways) return;
    this.#gateways = findGateways(this.modules);
    for (const { metatype, instanceClass } of this.#gateways) {
      for (const each of new Set([metatype, instanceClass])) {
        interceptErrors(each);
        if (!this.#isGuardedByNest && this.guards.isGlobal) guardMessages(each, this, () => this.#guard);
      }
    }
  }

  /** By what is on the gateways of the module; see {@link GuardCoverage}. */
  #isGuarded({ instanceClass }: Gateway): boolean {
    return this.guards.isGlobal || this.guards.isLocal(instanceClass, instanceClass);
  }

  #hasGuardedHandlers(gateway: Gateway): boolean {
    return handlersOf(gateway.metatype).some(
      ({ handler }) =>
        this.guardsHandler(gateway, handler) &&
        readRoutePolicy(gateway.metatype, handler).access !== 'public',
    );
  }

  get #guard(): CanActivate {
    return this.self.get<CanActivate>(AuthGuard);
  }

  #guardAdapter(adapter: Adapter): void {
    if (this.#adapters.has(adapter) || this.#gateways?.length === 0) return;
    this.#adapters.add(adapter);
    const create = adapter.create.bind(adapter);
    adapter.create = (port, options) => {
      const server = create(port, options);
      this.#guardServer(server, port, options);
      return server;
    };
    const bind = adapter.bindMessageHandlers.bind(adapter);
    adapter.bindMessageHandlers = (client, handlers, transform) =>
      bind(client, connectionOf(client) ? handlers.map(withMessage) : handlers, transform);
  }

  /** @throws {ConfigurationError} for a server that is of neither package, unless everything there is public */
  #guardServer(server: object, port: number, options: GatewayOptions = {}): void {
    const namespace = namespaceOf(server);
    const target = namespace ?? server;
    const place = this.#placeAt(port, normalizePath(options.path), normalizeNamespace(options.namespace));
    if (!place || this.#servers.has(target)) return;
    this.#servers.add(target);
    const admissions = this.#admissionsTo(place, !namespace);
    if (namespace) guardNamespace(namespace, admissions);
    else if (isWsServer(server)) guardUpgrades(server, admissions);
    else if (place.policy.access !== 'public' || place.keepsRequest) {
      throw new ConfigurationError(
        `AuthModule: the server of ${place.metatype.name} is neither socket.io nor ws, so clients would connect ` +
          'without a token; use one of these adapters, or add @Public() to the gateway and check tokens yourself',
      );
    }
  }

  /** The gateways, with the place of each; `undefined` where the guard does not run at all. */
  list(): readonly { readonly gateway: Gateway; readonly name: string; readonly place: Place | undefined }[] {
    this.#prepare();
    return (this.#gateways ?? []).map((gateway) => {
      const { port, path, namespace } = gateway;
      return {
        gateway,
        name: nameOf(port, path, namespace),
        place: this.#placeAt(port, path, namespace),
      };
    });
  }

  /** Whether the guard runs for the messages of a handler. */
  guardsHandler(gateway: Gateway, handler: object): boolean {
    return this.#isGuarded(gateway) || this.guards.isLocal(gateway.instanceClass, handler);
  }

  #placeAt(port: number, path: string, namespace: unknown): Place | undefined {
    const all = (this.#gateways ?? []).filter((each) => each.port === port && each.path === path);
    const here = all.filter((each) => each.namespace === namespace);
    const guarded = (here.length > 0 ? here : all).filter(
      (each) => this.#isGuarded(each) || this.#hasGuardedHandlers(each),
    );
    if (guarded.length === 0) return undefined;
    const policies = guarded
      .filter((each) => this.#isGuarded(each))
      .map(({ metatype }) => readClassPolicy(metatype));
    // The namespace that there always is, and no gateway: as open as the most closed of the others.
    const isEmpty = here.length === 0 && policies.some(({ access }) => access === 'protected');
    return makePlace(
      { name: nameOf(port, path, namespace), application: this },
      guarded,
      isEmpty ? [GOOD_TOKEN] : here.length === 0 ? [] : policies,
      guarded.some((each) => this.#hasGuardedHandlers(each)),
    );
  }

  #admissionsTo(place: Place, isNative: boolean): Admissions {
    const streams = this.self.get(OpenStreams);
    const { loadUser, userProperty } = this.self.get<ResolvedOptions>(RESOLVED_OPTIONS);
    return {
      place,
      refusalOf: (connection, client) => refusalOf(this.#guard, connection, client),
      opened: (client, connection) => {
        connection.open(client, streams);
        if (!this.#isGuardedByNest && isNative) sendRefusals(client);
      },
      closed: (connection) => {
        // A public message may have been the last one.
        const { client, token } = connection;
        if (client && token) attachPrincipal(client, token, loadUser ? false : userProperty);
        connection.close(streams);
      },
      failed: (error) =>
        this.#log.error(`${place.name}: a client was rejected because of an internal error`, String(error)),
    };
  }
}

/** What tells one message from another, for guard, interceptors and parameters alike. */
function withMessage<Binding extends MessageBinding>(binding: Binding): Binding {
  // There is one for each handler of each client: a bound function takes half of what a closure does.
  return { ...binding, callback: callWithMessage.bind(binding.callback) };
}

function callWithMessage(this: MessageBinding['callback'], ...args: unknown[]): unknown {
  return this(...args, new SocketMessage());
}

function nameOf(port: number, path: string, namespace: unknown): string {
  const within = typeof namespace === 'function' ? 'a function' : String(namespace);
  const address = path === '/' ? within : path + (within === '/' ? '' : within);
  return `${port === 0 ? '' : `:${port}`}${address}`;
}

/** Nest 12 does. Its packages go together, and this is what tells its configuration from that of 11. */
export function guardsGateways(config: ApplicationConfig): boolean {
  return 'getGlobalPreRequestHooks' in config;
}
