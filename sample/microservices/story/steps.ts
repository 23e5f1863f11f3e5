/** What happens to messages? Who sends what, and what the sender reads. */
import type { Step } from '#support/story/step.js';
import { ask, emit, list, watch } from './send.js';

const GRPC = 'grpc://localhost:4062/orders.Orders';
const TCP = 'tcp://localhost:4063';

function step(story: string, url: string, send: () => Promise<Response>, says: RegExp): Step {
  return { story, method: 'POST', url, authorization: '', expected: 200, says, send };
}

/** @param display asks for a token when its step comes: it does not live long */
export function writeSteps(
  { shop, office }: { readonly shop: string; readonly office: string },
  display: () => Promise<string>,
): Step[] {
  return [
    {
      ...step('without a token', `${GRPC}/List`, () => list(''), /^16 unauthorized, missing_token$/),
      chapter: 'gRPC',
    },
    step(
      'the office lists orders',
      `${GRPC}/List`,
      () => list(office),
      /^\{"orders":\[\{"item":"a lamp"\}\]\}$/,
    ),
    step(
      'a token of three seconds: ends with it',
      `${GRPC}/Watch`,
      async () => watch(await display()),
      /^a lamp, then ended: 16 unauthorized, invalid_token$/,
    ),
    {
      ...step('a public message', `${TCP} orders.count`, () => ask('orders.count', ''), /^1$/),
      chapter: 'Messages over TCP',
    },
    step(
      'without a token',
      `${TCP} orders.last`,
      () => ask('orders.last', ''),
      /^\{"statusCode":401,"message":"unauthorized","errorCode":"missing_token"\}$/,
    ),
    step(
      'the office reads the last order',
      `${TCP} orders.last`,
      () => ask('orders.last', office),
      /^\{"for":"office","item":"a lamp"\}$/,
    ),
    {
      ...step(
        'the office may not place orders',
        `${TCP} orders.placed`,
        () => emit('a shade', office),
        /^sent; 1 orders$/,
      ),
      chapter: 'Events',
    },
    step('the shop places an order', `${TCP} orders.placed`, () => emit('a bulb', shop), /^sent; 2 orders$/),
  ];
}
