/** The parameter decorators in calls of every kind. */
import 'reflect-metadata';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { AccessToken } from '../../../lib/principal/access-token.decorator.js';
import { attachPrincipal } from '../../../lib/principal/authenticated-request.js';
import { Claims } from '../../../lib/principal/claims.decorator.js';
import { freezeClaims } from '../../../lib/token/access-token-claims.js';

class Handlers {
  take(@Claims() _all: unknown, @Claims('sub') _sub: unknown, @AccessToken() _token: unknown): void {}
}

interface Parameter {
  readonly index: number;
  readonly data: unknown;
  factory(data: unknown, context: ExecutionContextHost): unknown;
}

function take(type: string, args: unknown[]): unknown[] {
  const parameters = Reflect.getMetadata('__routeArguments__', Handlers, 'take') as Record<string, Parameter>;
  const context = new ExecutionContextHost(args, Handlers, Handlers.prototype.take);
  context.setType(type);
  return Object.values(parameters)
    .toSorted((a, b) => a.index - b.index)
    .map(({ factory, data }) => factory(data, context));
}

const claims = freezeClaims({ iss: 'https://issuer', sub: 'ann', aud: 'https://api', exp: 2, iat: 1 });

describe('@Claims() and @AccessToken()', () => {
  it('read what the guard attached to an HTTP request', () => {
    const request = {};
    attachPrincipal(request, { claims, token: 'token' }, 'user');
    expect(take('http', [request, {}])).toEqual([claims, 'ann', 'token']);
  });

  it.each(['graphql', 'ws', 'rpc', 'foo'])('are undefined in a %s call that has no principal', (type) => {
    expect(take(type, [undefined, {}, {}, {}])).toEqual([undefined, undefined, undefined]);
  });
});
