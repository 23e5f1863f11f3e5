/** A handshake, as guards, `loadUser` and resolvers of an application see it. */
import { Public, Scopes } from 'nestjs-resource-server';
import { HandshakeContext, policyOf } from '../../../../lib/guard/sockets/handshake.js';
import type { Place } from '../../../../lib/guard/sockets/places.js';
import { readClassPolicy, readRoutePolicy } from '../../../../lib/policy/route-policy.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';

@Scopes('a')
class Chat {
  @Public() open(): void {}
}
class Connecting {
  handleConnection(): void {}
}
class Spoiled {}
Object.assign(Spoiled.prototype, { handleConnection: 'no method' });

const placeOf = (metatype: Place['metatype']): Place => ({
  name: '/chat',
  metatype,
  policy: readClassPolicy(metatype),
  keepsRequest: false,
  application: {},
});

describe('HandshakeContext', () => {
  const client = {};
  const context = new HandshakeContext(placeOf(Chat), client);

  it('is one of a gateway, whose client it has', () => {
    expect(context.getType()).toBe('ws');
    expect(context.getClass()).toBe(Chat);
    expect(context.getArgs()).toEqual([client]);
    expect(context.getArgByIndex(0)).toBe(client);
    expect(context.getArgByIndex(1)).toBeUndefined();
    const ws = context.switchToWs();
    expect(ws.getClient()).toBe(client);
    expect(ws.getData()).toBeUndefined();
    expect(ws.getPattern()).toBe('connection');
  });

  it('is no other call', () => {
    expect(() => context.switchToHttp()).toThrow(TypeError);
    expect(() => context.switchToRpc()).toThrow(TypeError);
  });

  it('has the method of the gateway for its handler, or a function of that name', () => {
    const handlerOf = (metatype: Place['metatype']): { readonly name: string } =>
      new HandshakeContext(placeOf(metatype), client).getHandler();
    expect(handlerOf(Connecting)).toBe(Connecting.prototype.handleConnection);
    for (const metatype of [Chat, Spoiled]) expect(handlerOf(metatype).name).toBe('handleConnection');
  });

  it('requires what the place does, and a message what its handler does', () => {
    expect(policyOf(context)).toBe(context.place.policy);
    const message = new ExecutionContextHost([], Chat, Chat.prototype.open);
    expect(policyOf(message)).toBe(readRoutePolicy(Chat, Chat.prototype.open));
  });
});
