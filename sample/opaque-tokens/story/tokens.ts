/** Where do the story's tokens come from? From the authorization server, but for one. */
import { randomBytes } from 'node:crypto';
import type { AuthorizationServer } from 'oauth4webapi';
import { requestForClient, type Credentials } from '#support/story/client-credentials.js';
import { backOffice, reportWriter, tillOne, tillTwo } from '../idp/clients.js';
import { PAYMENTS } from '../idp/resources.js';

export interface StoryTokens {
  readonly report: string;
  /** The first till's, one for the morning and one for the afternoon. */
  readonly morning: string;
  readonly afternoon: string;
  /** The second till's. */
  readonly drawer: string;
  readonly scanner: string;
  readonly office: string;
  /** Nobody issued it. */
  readonly madeUp: string;
  /** A till's that the story does not use: for the reader. */
  readonly spare: string;
}

export async function collectTokens(server: AuthorizationServer): Promise<StoryTokens> {
  const request = (client: Credentials, scope: string): Promise<string> =>
    requestForClient(server, client, PAYMENTS, scope);
  const both = 'read:payments write:payments';
  const [report, morning, afternoon, drawer, scanner, office, spare] = await Promise.all([
    request(reportWriter, 'read:payments'),
    request(tillOne, both),
    request(tillOne, both),
    request(tillTwo, both),
    request(tillTwo, both),
    request(backOffice, 'manage:sessions'),
    request(tillOne, both),
  ]);
  const madeUp = randomBytes(32).toString('base64url');
  return { report, morning, afternoon, drawer, scanner, office, madeUp, spare };
}
