/** Checks the form of the audience. It must equal `aud` exactly, so a misspelled audience rejects every token. */
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ResolvedOptions } from '../options/auth-options.js';
import type { Sources } from './command.js';
import type { Finding } from './findings.js';
import { variableOf } from './read-settings.js';

/** Forms of client ids: UUID (Entra and others), Okta, Google, and long names without any structure. */
const CLIENT_ID =
  /^([\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}|0oa\w{17}|.*\.apps\.googleusercontent\.com|[A-Za-z\d]{20,})$/i;

export function checkAudience(
  { audience, clientId }: Pick<ResolvedOptions, 'audience' | 'clientId'>,
  sources: Sources,
): readonly Finding[] {
  const variable = variableOf('audience', sources);
  return [audience].flat().map((each) => {
    const wrong = wrongIn(each);
    if (wrong)
      return {
        status: 'FAIL',
        check: 'audience',
        found: `${quoteForeign(each)} ${wrong}`,
        change: `correct ${variable}`,
      };
    const odd = oddIn(each, clientId);
    return odd
      ? {
          status: 'warn',
          check: 'audience',
          found: `${quoteForeign(each)} ${odd}`,
          change: `compare ${variable} with the aud of a real access token: explain shows it`,
        }
      : {
          status: 'ok',
          check: 'audience',
          found: `${quoteForeign(each)}: aud must contain exactly this`,
        };
  });
}

function wrongIn(audience: string): string | undefined {
  if (/^["'].*["']$/.test(audience)) return 'contains quotes';
  if (/\s/.test(audience)) return 'contains white space; separate a list with commas';
  return undefined;
}

function oddIn(audience: string, clientId: string | undefined): string | undefined {
  if (audience === 'account') return "is what Keycloak writes into every client's tokens";
  if (audience === clientId)
    return "is this API's own client id; few providers write that into access tokens";
  if (CLIENT_ID.test(audience))
    return 'looks like a client id: ID tokens have it in aud, access tokens rarely';
  if (/^https?:.*\/$/.test(audience)) return 'ends with a slash, which is significant';
  return undefined;
}
