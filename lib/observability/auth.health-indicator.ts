/** Reports whether tokens can be validated now, in the format of @nestjs/terminus. */
import { Inject, Injectable } from '@nestjs/common';
import { IssuerRegistry } from '../issuer/issuer-registry.js';
import type { ProviderStatus } from '../issuer/trusted-issuer.js';
import { KnownRevocations } from '../revocation/known-revocations.js';

/** The state of the authorization servers, as {@link AuthHealthIndicator} reports it. */
export interface AuthHealth {
  /** The status that Terminus reads: with `down`, the instance should receive no traffic. */
  readonly status: 'up' | 'down';
  /**
   * `ready`: the keys are cached and fresh. `degraded`: the authorization server fails, and cached data is used; or introspection is
   * paused; or the `revocationStore` fails or is full. `down`: the authorization server fails, and there is no usable cached data.
   */
  readonly state: ProviderStatus['state'];
  /** Seconds since the keys were fetched. */
  readonly keysAge?: number;
  /** With several issuers: the state of each, by its name. The overall state is `down` only if all of them are. */
  readonly issuers?: Readonly<Record<string, AuthHealth>>;
}

/**
 * A health indicator for `HealthCheckService.check([() => auth.isHealthy()])` of `@nestjs/terminus`. It works without Terminus.
 * Injectable.
 *
 * It calls the authorization server only if nothing is cached, for at most `responseTimeout`. The result contains no secrets and
 * can be public.
 *
 * @example
 * ```ts
 * @Get('health') @Public() @HealthCheck()
 * check() {
 *   return this.healthChecks.check([() => this.auth.isHealthy()]);
 * }
 * ```
 */
@Injectable()
export class AuthHealthIndicator {
  constructor(
    @Inject(IssuerRegistry) private readonly issuers: IssuerRegistry,
    @Inject(KnownRevocations) private readonly revocations: KnownRevocations,
  ) {}

  /**
   * Returns the state of the authorization servers in the format of Terminus. It does not throw if the state is `down`.
   *
   * @param key the name of this indicator in the result. @default 'auth'
   */
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
