/** What happens to connections and to their messages? Who connects, what they send, and what they receive. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from '#support/story/step.js';
import { KIOSK, KIOSK_LIFETIME, PAGE } from '../idp/clients.js';
import { ann, bob } from '../idp/users.js';
import { CHAT_URL, ChatClient } from './chat-client.js';
import { Person } from './person.js';

/** @param converse returns what the clients received */
function step(story: string, says: RegExp, converse: () => Promise<readonly string[]>): Step {
  return {
    story,
    method: 'GET',
    url: CHAT_URL,
    authorization: '',
    expected: 200,
    says,
    send: async () => new Response((await converse()).join(', then ')),
  };
}

export function writeSteps(annsToken: string, bobsToken: string): Step[] {
  return [
    {
      ...step('without a token', /^closed: 1008 unauthorized$/, async () => [await ChatClient.open().next()]),
      chapter: 'The handshake',
    },
    step('a token with a forged signature', /^closed: 1008 unauthorized$/, async () => [
      await ChatClient.open(`${annsToken.slice(0, -8)}AAAAAAAA`).next(),
    ]),
    step('ann, with the subprotocols bearer and her token', /^welcome ann$/, async () => {
      const client = ChatClient.open(annsToken);
      const line = await client.next();
      client.close();
      return [line];
    }),
    {
      ...step('ann writes, bob receives it', /^said ann hello$/, async () => {
        const [writer, reader] = [await ChatClient.join(annsToken), await ChatClient.join(bobsToken)];
        writer.send('say', 'hello');
        const line = await reader.next();
        for (const each of [writer, reader]) each.close();
        return [line];
      }),
      chapter: 'Messages',
    },
    step('bob may not write', /^exception 403 insufficient_scope$/, async () => {
      const reader = await ChatClient.join(bobsToken);
      reader.send('say', 'hello');
      const line = await reader.next();
      reader.close();
      return [line];
    }),
    {
      ...step(
        'a token of three seconds: closed when it expires',
        /^welcome ann, then closed: 1008 token expired$/,
        async () => {
          const kiosk = await Person.signIn(ann, KIOSK);
          const client = ChatClient.open(kiosk.token);
          return [await client.next(), await client.next()];
        },
      ),
      chapter: 'Expiry and renewal',
    },
    step(
      'renewed in time: stays open with the new token',
      /^renewed, then said ann still here, then closed: 1008 token expired$/,
      async () => {
        const kiosk = await Person.signIn(ann, KIOSK);
        const client = await ChatClient.join(kiosk.token);
        const firstEnds = sleep(KIOSK_LIFETIME * 1000);
        await sleep((KIOSK_LIFETIME / 2) * 1000);
        client.send('renew', { token: await kiosk.renew() });
        const renewed = await client.next();
        await firstEnds;
        client.send('say', 'still here');
        return [renewed, await client.next(), await client.next()];
      },
    ),
    step(
      'a token of another user is rejected; stays open',
      /^exception 401 invalid_token, then said ann hello$/,
      async () => {
        const client = await ChatClient.join(annsToken);
        client.send('renew', { token: bobsToken });
        const refused = await client.next();
        client.send('say', 'hello');
        const said = await client.next();
        client.close();
        return [refused, said];
      },
    ),
  ];
}

export async function signInBoth(): Promise<readonly [string, string]> {
  const [first, second] = [await Person.signIn(ann, PAGE), await Person.signIn(bob, PAGE)];
  return [first.token, second.token];
}
