/** Nest 11 runs no global guard for gateways: told from Nest 12 by what its configuration can do. */
import { ApplicationConfig } from '@nestjs/core';
import { ConfigurationError } from '../../../lib/errors/auth.errors.js';
import type { GuardCoverage } from '../../../lib/guard/guard-coverage.js';
import { MessageAudit } from '../../../lib/guard/message-audit.js';
import type { MessageHandler, MessageHandlers } from '../../../lib/guard/message-handlers.js';
import type { AuditOptions } from '../../../lib/options/audit-options.js';
import type { ResolvedOptions } from '../../../lib/options/auth-options.js';
import type { RoutePolicy } from '../../../lib/policy/route-policy.js';
import { loggedLines } from '../../support/no-secrets-in-output.js';

const NEST_11 = {} as ApplicationConfig;
const NEST_12 = new ApplicationConfig();

const handler = (
  kind: MessageHandler['kind'],
  name: string,
  access: RoutePolicy['access'] = 'protected',
  isGuardedLocally = false,
): MessageHandler => ({
  kind,
  name,
  policy: { access } as RoutePolicy,
  isGuardedLocally,
  hasLostGuard: false,
});

const HANDLERS = [
  handler('ws', 'ChatGateway.send'),
  handler('ws', 'ChatGateway.peek', 'optional'),
  handler('ws', 'ChatGateway.ping', 'public'),
  handler('ws', 'AdminGateway.send', 'protected', true),
  handler('rpc', 'EventsController.placed'),
  handler('graphql', 'OrdersResolver.orders'),
];

function audit(
  config: ApplicationConfig,
  mode: AuditOptions['audit'] = 'off',
  isGlobal = true,
): MessageAudit {
  return new MessageAudit(
    config,
    { isGlobal } as GuardCoverage,
    { read: () => HANDLERS } as unknown as MessageHandlers,
    { audit: mode } as ResolvedOptions,
  );
}

const EXPECTED = [
  'AuthModule: AuthGuard does not run for 2 handlers; @UseGuards(AuthGuard) on the class guards them, @Public() says that they are meant to be open',
  'ChatGateway.send: Nest 11 runs no global guard for gateways',
  'ChatGateway.peek: Nest 11 runs no global guard for gateways',
].join('\n  ');

describe('gateways', () => {
  it('are warned of on Nest 11, once', () => {
    const found = audit(NEST_11);
    found.onApplicationBootstrap();
    found.check();
    expect(loggedLines().filter((line) => line.includes(EXPECTED))).toHaveLength(1);
    expect(loggedLines()).toHaveLength(1);
  });

  it('stop the start on Nest 11 with audit error', () => {
    const start = (): void => audit(NEST_11, 'error').onApplicationBootstrap();
    expect(start).toThrow(ConfigurationError);
    expect(start).toThrow(EXPECTED);
  });

  it.each<[string, MessageAudit]>([
    ['on Nest 12, which guards them', audit(NEST_12, 'error')],
    ['without a global guard, where everybody says where it runs', audit(NEST_11, 'error', false)],
  ])('are fine %s', (_, found) => {
    found.onApplicationBootstrap();
    expect(loggedLines()).toEqual([]);
  });

  it('are named together with the handlers of a microservice', () => {
    const found = audit(NEST_11, 'error');
    found.connect(false);
    expect(() => found.onApplicationBootstrap()).toThrow('AuthGuard does not run for 3 handlers');
    expect(() => found.connect(true)).toThrow('EventsController.placed');
  });
});
