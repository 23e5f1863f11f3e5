/** What happens to operations, field by field? Who asks for what, and what the answer is. */
import type { Step } from '#support/story/step.js';
import { API, ask, watch } from './ask.js';

export interface StoryTokens {
  readonly shop: string;
  readonly office: string;
  /** Good for three seconds. */
  readonly display: string;
}

function query(story: string, text: string, token: string, says: RegExp): Step {
  return {
    story,
    method: 'POST',
    url: API,
    authorization: '',
    expected: 200,
    says,
    send: () => ask(text, token),
  };
}

function subscribe(story: string, token: string, shop: string, says: RegExp): Step {
  const url = API.replace('http', 'ws');
  return {
    story,
    method: 'GET',
    url,
    authorization: '',
    expected: 200,
    says,
    send: () => watch(token, shop),
  };
}

/** @param display asks for a token when its step comes: it does not live long */
export function writeSteps(
  { shop, office }: Omit<StoryTokens, 'display'>,
  display: () => Promise<string>,
): Step[] {
  return [
    {
      ...query('a public field', '{ motto }', '', /^\{"motto":"light for everybody"\}$/),
      chapter: 'Each field is checked separately',
    },
    query(
      'a public and a protected field, no token',
      '{ motto orders { id } }',
      '',
      /"motto".*"orders":null.*orders UNAUTHENTICATED \[Bearer\]/,
    ),
    query(
      'the shop reads orders',
      '{ orders { id item } }',
      shop,
      /^\{"orders":\[\{"id":1,"item":"a lamp"\}\]\}$/,
    ),
    query(
      'the shop may not read margins',
      '{ orders { item margin } }',
      shop,
      /"margin":null.*orders\.0\.margin FORBIDDEN \[.*scope="read:margins"/,
    ),
    query('the office may read margins', '{ orders { item margin } }', office, /"margin":4\.2/),
    query(
      'the office may not place orders, nor by alias',
      'mutation { x: place(item: "a") { id } }',
      office,
      /x FORBIDDEN \[.*scope="write:orders"/,
    ),
    query(
      'the shop places an order',
      'mutation { place(item: "a shade") { id } }',
      shop,
      /^\{"place":\{"id":2\}\}$/,
    ),
    {
      ...subscribe('without a token', '', shop, /^placed UNAUTHENTICATED$/),
      chapter: 'Subscriptions',
    },
    {
      ...subscribe(
        'a token of three seconds: ends with it',
        '',
        shop,
        /^\{"placed":\{"item":"a bulb"\}\}, then ended: UNAUTHENTICATED$/,
      ),
      send: async () => watch(await display(), shop),
    },
  ];
}
