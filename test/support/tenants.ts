/** Routes and issuers for tests of applications that trust several issuers. */
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get } from '@nestjs/common';
import {
  Claims,
  DECISION_CHANNEL,
  Groups,
  Introspect,
  Issuers,
  OptionalAuth,
  type DecisionEvent,
  type IssuerOptions,
} from 'nestjs-resource-server';
import { CLIENT_SECRET, type Issuer } from './issuer.js';

@Controller()
export class TenantController {
  @Get('whoami') whoami(@Claims('iss') iss: string): string {
    return iss;
  }
  @Get('optional') @OptionalAuth() optional(@Claims('iss') iss?: string): string {
    return iss ?? 'nobody';
  }
  @Get('staff') @Issuers('staff') staff(): string {
    return 'staff';
  }
  @Get('grouped') @Groups('admin') grouped(): string {
    return 'grouped';
  }
}

@Controller('live')
export class LiveController {
  @Get() @Introspect() live(): string {
    return 'live';
  }
}

/** An entry of `issuers`; it introspects if asked to. */
export function entryOf(issuer: Issuer, more: Partial<IssuerOptions> = {}): IssuerOptions {
  return { issuer: issuer.server.issuer, ...more };
}

export const INTROSPECTING = { clientId: 'the-api', clientSecret: CLIENT_SECRET } as const;

/** What is published while the work goes on. */
export async function decisionsDuring(work: () => Promise<unknown>): Promise<readonly DecisionEvent[]> {
  const events: DecisionEvent[] = [];
  const listen = (message: unknown): void => {
    events.push(message as DecisionEvent);
  };
  subscribe(DECISION_CHANNEL, listen);
  expect(channel(DECISION_CHANNEL).hasSubscribers).toBe(true);
  try {
    await work();
  } finally {
    unsubscribe(DECISION_CHANNEL, listen);
  }
  return events;
}
