/** Checks the configuration: the options, then the live provider, with the classes that validate tokens. */
import { AuthError } from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
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
import { chooseIssuers, settingsOf, type IssuerSettings } from './issuer-settings.js';
import { readSettings } from './read-settings.js';
import { WatchedClient } from './watched-client.js';

/** Logs nothing: the findings report the same problems. */
export const SILENT: Log = { debug() {}, warn() {}, error() {} };

export async function examine(
  command: Sources & { readonly issuer?: string | undefined },
): Promise<Diagnosis> {
  const { options, findings } = readSettings(command);
  if (!options) return { findings: [...findings, ...notChecked('provider', 'the options are invalid')] };
  const chosen = chooseIssuers(options, command.issuer);
  const examined = await Promise.all(
    chosen.map(async (issuer) => {
      const settings = settingsOf(options, issuer);
      const asked = await examineProvider(settings, command);
      const found = [...checkAudience(settings, command), ...asked];
      // With several issuers, each finding names its issuer.
      return options.issuers.length === 1
        ? found
        : found.map((each) => ({ ...each, check: `${issuer.name}: ${each.check}` }));
    }),
  );
  return { findings: [...findings, ...examined.flat()] };
}

async function examineProvider(settings: IssuerSettings, sources: Sources): Promise<readonly Finding[]> {
  const client = new WatchedClient(settings);
  const issuer = new ValidatingIssuer(settings, SILENT, {
    queue: new VerificationQueue(),
    verified: new VerifiedJwts(),
    client,
  });
  try {
    const metadata = await discover(issuer);
    return [
      ...checkMetadata(metadata, client.calls, settings, issuer.metadata.isNeeded),
      ...(await attempt('keys', sources, async () => checkKeys((await issuer.keys.get()).keys, settings))),
      await checkIntrospection(issuer.introspectionClient, metadata, settings, sources),
      ...checkBinding(metadata, settings),
      checkClock(client.calls, settings, sources),
      ...(client.calls.length > 0 ? [checkSpeed(client.calls, settings, sources)] : []),
    ];
  } catch (error) {
    const found = findingOf('discovery', error, sources);
    const open = notChecked('provider', 'keys and introspection require discovery');
    return [
      found,
      ...open,
      ...(client.calls.length > 0 ? [checkClock(client.calls, settings, sources)] : []),
    ];
  } finally {
    await issuer.close();
  }
}

/** Fetches the metadata, which is optional if the addresses are configured. */
async function discover({ metadata, issuer }: ValidatingIssuer): Promise<IssuerMetadata> {
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
