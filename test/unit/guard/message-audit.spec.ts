/** Which handlers Nest runs no guard for, and that gateways are not among them: they are guarded where Nest makes their servers. */
import { NestApplication } from '@nestjs/core';
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
  metatype: Object,
  property: name.slice(name.indexOf('.') + 1),
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

const { prototype } = NestApplication;
const { connectMicroservice } = prototype;
// Nest's class is wrapped when the first audit is made.
beforeAll(() => (prototype.connectMicroservice = (() => 'connected') as never));
afterAll(() => (prototype.connectMicroservice = connectMicroservice));

function audit(
  mode: AuditOptions['audit'] = 'off',
  isGlobal = true,
  handlers = HANDLERS,
  begin: () => void = () => undefined,
): MessageAudit {
  return new MessageAudit(
    { isGlobal } as GuardCoverage,
    { read: () => handlers } as unknown as MessageHandlers,
    { audit: mode } as ResolvedOptions,
    { begin },
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

  it('are fine while none is connected, and where it has the configuration of the application', () => {
    const found = audit('error');
    found.onApplicationBootstrap();
    found.connect(true);
    found.check();
    expect(loggedLines()).toEqual([]);
  });

  it('stop what connects the microservice after the start, not before it', () => {
    const found = audit('error');
    found.connect(false);
    const late = audit('error');
    late.onApplicationBootstrap();
    expect(() => late.connect(false)).toThrow(EXPECTED);
    // What was found once stays so.
    expect(() => late.connect(true)).toThrow(EXPECTED);
  });

  it('are fine where they are public, or where @UseGuards() has the guard run', () => {
    const found = audit('error', true, [
      handler('rpc', 'EventsController.open', 'public'),
      handler('rpc', 'EventsController.guarded', 'protected', true),
    ]);
    found.connect(false);
    found.onApplicationBootstrap();
    expect(loggedLines()).toEqual([]);
  });

  it('are all named', () => {
    const found = audit('error', true, [
      handler('rpc', 'EventsController.placed'),
      handler('rpc', 'EventsController.paid', 'optional'),
    ]);
    found.connect(false);
    expect(() => found.check()).toThrow(
      /^AuthModule: AuthGuard does not run for 2 handlers; [^\n]+\n {2}EventsController\.placed: [^\n]+\n {2}EventsController\.paid: [^\n]+$/,
    );
  });

  it('are warned of again where more are found', () => {
    const handlers = [handler('rpc', 'EventsController.placed')];
    const found = audit('warn', true, handlers);
    found.connect(false);
    found.check();
    handlers.push(handler('rpc', 'EventsController.paid'));
    found.check();
    found.check();
    expect(loggedLines()).toHaveLength(2);
  });
});

it('hears of the microservices that its application connects, wherever it is imported', () => {
  let begun = 0;
  const found = audit('off', true, HANDLERS, () => (begun += 1));
  const app = Object.create(prototype) as NestApplication;
  app.get = ((token: unknown, { strict }: { readonly strict?: boolean }) =>
    token === MessageAudit && strict === false ? found : undefined) as never;
  expect(app.connectMicroservice({})).toBe('connected');
  expect(begun).toBe(1);
});

it('has the handlers of a microservice watched before Nest registers them', () => {
  let begun = 0;
  const found = audit('off', true, HANDLERS, () => (begun += 1));
  expect(begun).toBe(0);
  found.connect(true);
  expect(begun).toBe(1);
});

describe('unguardedMessages', () => {
  const handlers = [
    ...HANDLERS,
    handler('rpc', 'EventsController.open', 'public'),
    handler('rpc', 'EventsController.guarded', 'protected', true),
  ];
  const OPEN = new Set(['EventsController.placed', 'EventsController.open']);

  it('are none under a global guard, unless a microservice without the configuration is connected', () => {
    const found = audit('off', true, handlers);
    found.connect(true);
    expect(found.unguardedMessages()).toEqual(new Set());
    found.connect(false);
    expect(found.unguardedMessages()).toEqual(OPEN);
  });

  it('are those not under @UseGuards(), without a global guard', () => {
    expect(audit('off', false, handlers).unguardedMessages()).toEqual(OPEN);
  });
});
