/** What can a reader try by hand? Whole commands with live tokens in them, each with the status that it gets. */
import { curlJson, writeCurl } from '#support/story/curl.js';
import { tillOne } from '../idp/clients.js';
import { A, B, IDP } from './steps.js';
import type { StoryTokens } from './tokens.js';

export function writeCurlLines({ spare, office }: StoryTokens): string {
  const give = `${IDP}/token/revocation -u ${tillOne.id}:${tillOne.secret} -d token=${spare}`;
  const pay = `${A}/payments ${curlJson({ amount: 7 })}`;
  const forget = `/sessions/forget ${curlJson({ token: spare })}`;
  return [
    writeCurl(
      'how often the authorization server has been asked; try it in between',
      `${IDP}/demo/introspections`,
    ),
    writeCurl('a good token at A: 200, one question', `${A}/payments`, spare),
    writeCurl('the same at B: 200, no question', `${B}/payments`, spare),
    writeCurl('pay: 201, one question each time', pay, spare),
    writeCurl('give the token back', give),
    writeCurl('A remembers it for up to 300 s: 200', `${A}/payments`, spare),
    writeCurl('tell A to forget it: 200', A + forget, office),
    writeCurl('A: 401', `${A}/payments`, spare),
    writeCurl('B: 200 while it remembers by itself, for up to 10 s, then 401', `${B}/payments`, spare),
    writeCurl('pay: 401', pay, spare),
  ].join('\n');
}
