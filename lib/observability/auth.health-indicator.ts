/** Can tokens be judged just now? For @nestjs/terminus, and whoever else asks. */
import { Inject, Injectable } from '@nestjs/common';
import { IssuerRegistry } from '../issuer/issuer-registry.js';
import type { ProviderStatus } from '../issuer/trusted-issuer.js';
import { KnownRevocations } from '../revocation/known-revocations.js';

export interface AuthHealth {
  /** As Terminus has it: `down` takes the instance out of service. */
  readonly status: 'up' | 'down';
  /**
   * `ready`: all is at hand. `degraded`: the authorization server fails, and what is held still serves; or the
   * `revocationStore` fails, or is full. `down`: the authorization server fails, and tokens cannot be judged.
   */
  readonly state: ProviderStatus['state'];
  /** Seconds since the keys were fetched. */
  readonly keysAge?: number;
  /** Where several issuers are configured: each, by its name. All of them are `down` where the whole is. */
  readonly issuers?: Readonly<Record<string, AuthHealth>>;
}

/**
 * A health indicator for `HealthCheckService.check([() => auth.isHealthy()])` of `@nestjs/terminus`, which is not
 * needed otherwise.
 *
 * Asks the authorization server only if nothing is held, and then within `responseTimeout`. Says nothing that may not
 * be shown to everybody.
 */
@Injectable()
export class AuthHealthIndicator {
  constructor(
    @Inject(IssuerRegistry) private readonly issuers: IssuerRegistry,
    @Inject(KnownRevocations) private readonly revocations: KnownRevocations,
  ) {}

  /** @param key the name under which it stands in the health check's answer */
  async isHealthy<const Key extends string = 'auth'>(
    key: Key = 'auth' as Key,
  ): Promise<Record<Key, AuthHealth>> {
    const statuses = await this.issuers.check();
    const { only } = this.issuers;
    const sole = only && statuses.get(only.name);
    const provider = sole ? healthOf(sole) : summarize(statuses);
    const isDegraded = provider.state === 'ready' && this.revocations.isDegraded;
    const health: AuthHealth = isDegraded ? { ...provider, state: 'degraded' } : provider;
    return { [key]: health } as Record<Key, AuthHealth>;
  }
}

function healthOf({ state, age }: ProviderStatus): AuthHealth {
  return { status: state === 'down' ? 'down' : 'up', state, ...(age !== undefined && { keysAge: age }) };
}

function summarize(statuses: ReadonlyMap<string, ProviderStatus>): AuthHealth {
  const states = new Set([...statuses.values()].map(({ state }) => state));
  const [first = 'ready'] = states;
  const state = states.size > 1 ? 'degraded' : first;
  const issuers = Object.fromEntries([...statuses].map(([name, status]) => [name, healthOf(status)]));
  return { status: state === 'down' ? 'down' : 'up', state, issuers };
}
