/** What is tried, and what has to come of it? */
import type { Step } from '#support/story/step.js';
import { BANK, OTP } from '../idp/resources.js';
import type { BankApp } from './client.js';

const SIGN_IN = 'Bearer error="insufficient_user_authentication", error_description="[^"]+"';
const METADATA = `resource_metadata="${BANK}/\\.well-known/oauth-protected-resource"`;

export function writeSteps(app: BankApp): readonly Step[] {
  const step = (method: 'GET' | 'POST', path: string, story: string, expected: number, says: RegExp) => ({
    story,
    method,
    url: BANK + path,
    authorization: '',
    expected,
    says,
  });
  /** Once, with the token that the client has: the API's own words. */
  const once = (...given: Parameters<typeof step>): Step => ({
    ...step(...given),
    send: async () => (await app.attempt(given[0], BANK + given[1])).response,
  });
  /** Until it is answered. */
  const whole = (...given: Parameters<typeof step>): Step => ({
    ...step(...given),
    send: () => app.request(given[0], BANK + given[1]),
  });
  return [
    {
      chapter: 'A client that knows only the URL of the API',
      ...once(
        'GET',
        '/account',
        'no token: the challenge names scope and issuer',
        401,
        new RegExp(`^Bearer scope="account", ${METADATA}$`),
      ),
    },
    whole('GET', '/account', 'the client requests it; ann signs in', 200, /"account":"ann"/),
    {
      chapter: 'Paying: another scope, and a sign-in of the last five minutes',
      ...once(
        'POST',
        '/payments',
        'the scope is missing',
        403,
        new RegExp(`^Bearer error="insufficient_scope", scope="pay", ${METADATA}$`),
      ),
    },
    whole(
      'POST',
      '/payments',
      'the client requests it, then a new sign-in',
      201,
      /"secondsAfterSignIn":\d{1,2}}/,
    ),
    once('POST', '/payments', 'the same token again', 201, /"paid":50/),
    {
      chapter: 'Raising the limit: a second factor',
      ...once(
        'POST',
        '/limit',
        'the challenge names the sign-in and the scope',
        401,
        new RegExp(`^${SIGN_IN}, acr_values="${OTP}", max_age="300", scope="pay", ${METADATA}$`),
      ),
    },
    whole('POST', '/limit', 'ann signs in with her code', 201, /"by":\["pwd","otp"\]/),
    once('POST', '/payments', 'the same token also pays', 201, /"paid":50/),
  ];
}
