/** Merges the options of one issuer into those of the module, for commands that check one issuer at a time. */
import { isNamed } from '../access/recipient.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { ResolvedIssuerOptions } from '../options/issuers.js';
import { UsageError } from './usage-error.js';

export type IssuerSettings = ResolvedOptions & ResolvedIssuerOptions;

export function settingsOf(options: ResolvedOptions, issuer: ResolvedIssuerOptions): IssuerSettings {
  return { ...options, ...issuer, issuers: [issuer] };
}

/**
 * @param name the name of an issuer, or its `issuer`; `undefined` for all issuers
 * @throws {UsageError} if no such issuer is configured
 */
export function chooseIssuers(
  { issuers }: ResolvedOptions,
  name: string | undefined,
): readonly ResolvedIssuerOptions[] {
  if (name === undefined) return issuers;
  const chosen = issuers.filter((issuer) => isNamed(issuer, [name]));
  if (chosen.length === 0) throw new UsageError('--issuer takes the name of an issuer that is configured');
  return chosen;
}
