/** Checks that the provider accepts the credentials of this API and reports a random string as inactive. RFC 7662. */
import { randomBytes } from 'node:crypto';
import { ProviderError, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { IntrospectionClient } from '../introspection/introspection-client.js';
import type { IssuerMetadata } from '../issuer/issuer-metadata.js';
import { detailOf, findingOf } from './advice.js';
import type { IssuerSettings } from './issuer-settings.js';
import type { Sources } from './command.js';
import type { Finding } from './findings.js';
import { variableOf } from './read-settings.js';

const check = 'introspection';

export async function checkIntrospection(
  client: IntrospectionClient | undefined,
  metadata: IssuerMetadata,
  options: IssuerSettings,
  sources: Sources,
): Promise<Finding> {
  if (!client) return { status: 'ok', check, found: 'not configured: opaque tokens are rejected' };
  try {
    const { claims } = await client.introspect(randomBytes(24).toString('base64url'));
    return checkActive(claims['active'], options);
  } catch (error) {
    if (error instanceof TokenError)
      return {
        status: 'warn',
        check,
        found: detailOf(error),
        change: 'check which tokens the provider introspects',
      };
    const finding = findingOf(check, error, sources);
    const methods = error instanceof ProviderError ? otherMethods(metadata, options) : undefined;
    if (methods === undefined) return finding;
    return {
      ...finding,
      change: `the provider lists ${methods}: set ${variableOf('clientAuthMethod', sources)} to one of these`,
    };
  }
}

function checkActive(active: unknown, { clientAuthMethod }: IssuerSettings): Finding {
  if (active === false)
    return {
      status: 'ok',
      check,
      found: `credentials are accepted (${clientAuthMethod}); a random string is not active`,
    };
  return active === true
    ? {
        status: 'FAIL',
        check,
        found: 'the provider reports a random string as an active token',
        change: 'do not use this endpoint: it accepts every token',
      }
    : {
        status: 'FAIL',
        check,
        found: `the response has active: ${quoteForeign(active)}`,
        change: 'check the introspection endpoint',
      };
}

/** Returns the methods in the provider's metadata, if the configured method is not one of them. */
function otherMethods(metadata: IssuerMetadata, { clientAuthMethod }: IssuerSettings): string | undefined {
  const said = metadata as unknown as Readonly<Record<string, unknown>>;
  const methods = said['introspection_endpoint_auth_methods_supported'];
  if (!Array.isArray(methods) || methods.includes(clientAuthMethod)) return undefined;
  return methods.slice(0, 12).map(quoteForeign).join(', ');
}
