/** Guards the servers of gateways when Nest's adapter creates them: gateways with their own port listen before any hook runs. */
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

/** The part of Nest's `WebSocketAdapter` that is used. */
interface Adapter {
  create(port: number, options?: GatewayOptions): object;
  bindMessageHandlers(client: object, handlers: readonly MessageBinding[], transform: unknown): unknown;
}

interface MessageBinding {
  readonly message: unknown;
  readonly callback: (...args: unknown[]) => unknown;
}

/** The policy of a place without decorators, which requires a valid token. */
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
 * Injects nothing that depends on the options: if they were request-scoped, Nest would not create this provider, and gateways
 * would be open until AuthLifecycle rejects such options.
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
    // Nest calls this before it reads the decorators of gateways and creates their servers.
    const read = config.getIoAdapter.bind(config);
    config.getIoAdapter = () => {
      this.#prepare();
      const adapter: unknown = read();
      if (adapter) this.#guardAdapter(adapter as Adapter);
      return adapter as ReturnType<ApplicationConfig['getIoAdapter']>;
    };
  }

  /** Adds to the classes, once, what Nest reads when it binds their messages. */
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

  /** Whether AuthGuard runs for all messages of a gateway; see {@link GuardCoverage}. */
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

  /** @throws {ConfigurationError} for a server of neither socket.io nor `ws`, unless everything there is public */
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

  /** Returns the gateways, each with its place; `undefined` if the guard never runs there. */
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
    // The default namespace always exists. Without a gateway, it requires a token if any other namespace does.
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
        // The last message may have been a public one, for which the guard detached the principal.
        const { client, token } = connection;
        if (client && token) attachPrincipal(client, token, loadUser ? false : userProperty);
        connection.close(streams);
      },
      failed: (error) =>
        this.#log.error(`${place.name}: a client was rejected because of an internal error`, String(error)),
    };
  }
}

/** Adds an argument that identifies each message, for guard, interceptors and parameters alike. */
function withMessage<Binding extends MessageBinding>(binding: Binding): Binding {
  // There is one for each handler of each client, and a bound function takes half the memory of a closure.
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

/** Whether Nest runs global guards for gateways. Nest 12 does: its configuration has this method, that of 11 does not. */
export function guardsGateways(config: ApplicationConfig): boolean {
  return 'getGlobalPreRequestHooks' in config;
}
