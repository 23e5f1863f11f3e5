/** Is this API set up rightly? The options, then the live provider, by the very parts that judge tokens. */
import { AuthError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { IssuerMetadata } from '../issuer/issuer-metadata.js';
import { VerificationQueue } from '../timing/verification-queue.js';
import { VerifiedJwts } from '../token/jwt-token.validator.js';
import { ValidatingIssuer } from '../validation/validating-issuer.js';
import { findingOf } from './advice.js';
import { checkAudience } from './check-audience.js';
import { checkClock, checkSpeed } from './check-clock.js';
import { checkIntrospection } from './check-introspection.js';
import { checkKeys } from './check-keys.js';
import { checkBinding, checkMetadata } from './check-metadata.js';
import type { Sources } from './command.js';
import type { Diagnosis, Finding } from './findings.js';
import { readSettings } from './read-settings.js';
import { WatchedClient } from './watched-client.js';

/** What would be logged is found, and shown, here. */
export const SILENT: Log = { debug() {}, warn() {}, error() {} };

export async function examine(sources: Sources): Promise<Diagnosis> {
  const { options, findings } = readSettings(sources);
  if (!options) return { findings: [...findings, ...notChecked('provider', 'the options are invalid')] };
  const client = new WatchedClient(options);
  const asked = await examineProvider(client, options, sources);
  return { findings: [...findings, ...checkAudience(options, sources), ...asked] };
}

async function examineProvider(
  client: WatchedClient,
  options: ResolvedOptions,
  sources: Sources,
): Promise<readonly Finding[]> {
  const issuer = new ValidatingIssuer(options, SILENT, {
    queue: new VerificationQueue(),
    verified: new VerifiedJwts(),
    client,
  });
  try {
    const metadata = await discover(issuer, options);
    return [
      ...checkMetadata(metadata, client.calls, options, issuer.metadata.isNeeded),
      ...(await attempt('keys', sources, async () => checkKeys((await issuer.keys.get()).keys, options))),
      await checkIntrospection(issuer.introspectionClient, metadata, options, sources),
      ...checkBinding(metadata, options),
      checkClock(client.calls, options, sources),
      ...(client.calls.length > 0 ? [checkSpeed(client.calls, options, sources)] : []),
    ];
  } catch (error) {
    const found = findingOf('discovery', error, sources);
    const open = notChecked('provider', 'keys and introspection require discovery');
    return [found, ...open, ...(client.calls.length > 0 ? [checkClock(client.calls, options, sources)] : [])];
  } finally {
    await issuer.close();
  }
}

/** Where the addresses are configured, discovery tells more, but is not needed. */
async function discover(
  { metadata }: ValidatingIssuer,
  { issuer }: ResolvedOptions,
): Promise<IssuerMetadata> {
  try {
    return await metadata.get();
  } catch (error) {
    if (metadata.isNeeded || !(error instanceof AuthError)) throw error;
    return { issuer };
  }
}

async function attempt(
  check: string,
  sources: Sources,
  look: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [findingOf(check, error, sources)];
  }
}

const notChecked = (check: string, why: string): Finding[] => [
  { status: '-', check, found: `not checked: ${why}` },
];
