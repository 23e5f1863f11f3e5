/** Finds message handlers that Nest runs without the guard although it is global. */
import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { GuardCoverage } from './guard-coverage.js';
import { watchHybridApplications } from './hybrid-applications.js';
import { MessageHandlers, type MessageHandler } from './message-handlers.js';
import { MessageWatch } from './rpc/message-watch.js';
import { ConfigurationError } from '../errors/auth.errors.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import { RESOLVED_OPTIONS } from '../options/resolved-options.token.js';

/**
 * Logs these handlers at start-up, or prevents the start with `audit: 'error'`. Handlers that are `@Public()` or under
 * `@UseGuards(AuthGuard)` are not reported.
 */
@Injectable()
export class MessageAudit implements OnApplicationBootstrap {
  readonly #log = new Logger('AuthModule');
  #hasStarted = false;
  #isConnectedWithoutGuard = false;
  #reported = '';

  constructor(
    @Inject(GuardCoverage) private readonly guards: GuardCoverage,
    @Inject(MessageHandlers) private readonly handlers: MessageHandlers,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(MessageWatch) private readonly watch: Pick<MessageWatch, 'begin'>,
  ) {
    watchHybridApplications((app) => app.get(MessageAudit, { strict: false }));
  }

  onApplicationBootstrap(): void {
    this.#hasStarted = true;
    this.check();
  }

  /**
   * Called when the application connects a microservice. One that does not inherit the configuration has no global guard.
   *
   * @throws {ConfigurationError} with `audit: 'error'`, if the application has already started
   */
  connect(inheritsConfiguration: boolean): void {
    // Nest registers the handlers next, by default with a separate configuration, which MessageWatch does not observe.
    this.watch.begin();
    if (!inheritsConfiguration) this.#isConnectedWithoutGuard = true;
    if (this.#hasStarted) this.check();
  }

  /** @throws {ConfigurationError} with `audit: 'error'`, naming every handler that the guard does not run for */
  check(): void {
    const found = this.#find();
    if (found.length === 0) return;
    const message = [
      `AuthModule: AuthGuard does not run for ${found.length} ${found.length === 1 ? 'handler' : 'handlers'}; ` +
        'add @UseGuards(AuthGuard) to the class, or @Public() if they are meant to be open',
      ...found,
    ].join('\n  ');
    if (this.options.audit === 'error') throw new ConfigurationError(message);
    if (message !== this.#reported) this.#log.warn(message);
    this.#reported = message;
  }

  /** Returns the names of message handlers that Nest runs without the guard, whatever their decorators. */
  unguardedMessages(): ReadonlySet<string> {
    const reachesAll = this.guards.isGlobal && !this.#isConnectedWithoutGuard;
    const open = reachesAll
      ? []
      : this.handlers.read().filter(({ kind, isGuardedLocally }) => kind === 'rpc' && !isGuardedLocally);
    return new Set(open.map(({ name }) => name));
  }

  #find(): readonly string[] {
    // Without a global guard, the application decides where it runs; AuthLifecycle checks that.
    if (!this.guards.isGlobal) return [];
    const open = this.handlers
      .read()
      .filter(({ policy, isGuardedLocally }) => policy.access !== 'public' && !isGuardedLocally);
    const reasons: Record<MessageHandler['kind'], string | undefined> = {
      // SocketGateways guards them, also on Nest 11.
      ws: undefined,
      rpc: this.#isConnectedWithoutGuard
        ? 'connectMicroservice() without { inheritAppConfig: true } runs no global guard'
        : undefined,
      graphql: undefined,
    };
    return open.flatMap(({ kind, name }) => (reasons[kind] === undefined ? [] : `${name}: ${reasons[kind]}`));
  }
}
