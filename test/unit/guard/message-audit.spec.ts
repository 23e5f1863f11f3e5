/** Which handlers Nest runs no guard for, and that gateways are not among them: they are guarded where Nest makes their servers. */
import { ConfigurationError } from '../../../lib/errors/auth.errors.js';
import type { GuardCoverage } from '../../../lib/guard/guard-coverage.js';
import { MessageAudit } from '../../../lib/guard/message-audit.js';
import type { MessageHandler, MessageHandlers } from '../../../lib/guard/message-handlers.js';
import type { AuditOptions } from '../../../lib/options/audit-options.js';
import type { ResolvedOptions } from '../../../lib/options/auth-options.js';
import type { RoutePolicy } from '../../../lib/policy/route-policy.js';
import { loggedLines } from '../../support/no-secrets-in-output.js';

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

function audit(mode: AuditOptions['audit'] = 'off', isGlobal = true): MessageAudit {
  return new MessageAudit(
    { isGlobal } as GuardCoverage,
    { read: () => HANDLERS } as unknown as MessageHandlers,
    { audit: mode } as ResolvedOptions,
    { begin: () => undefined },
  );
}

describe('handlers of a microservice without the configuration', () => {
  const EXPECTED = [
    'AuthModule: AuthGuard does not run for 1 handler; add @UseGuards(AuthGuard) to the class, or @Public() if they are meant to be open',
    'EventsController.placed: connectMicroservice() without { inheritAppConfig: true } runs no global guard',
  ].join('\n  ');

  it('are warned of, once, and gateways are not', () => {
    const found = audit();
    found.connect(false);
    found.onApplicationBootstrap();
    found.check();
    expect(loggedLines().filter((line) => line.includes(EXPECTED))).toHaveLength(1);
    expect(loggedLines()).toHaveLength(1);
  });

  it('stop the start with audit error', () => {
    const found = audit('error');
    found.connect(false);
    const start = (): void => found.onApplicationBootstrap();
    expect(start).toThrow(ConfigurationError);
    expect(start).toThrow(EXPECTED);
  });

  it('are fine without a global guard, where everybody says where it runs', () => {
    const found = audit('error', false);
    found.connect(false);
    found.onApplicationBootstrap();
    expect(loggedLines()).toEqual([]);
  });
});
