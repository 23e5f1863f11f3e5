/** How an application declares its scopes, and what the compiler then refuses. docs/scopes-and-groups.md quotes this. */
import { AnyScope, Scopes } from 'nestjs-resource-server';

declare module 'nestjs-resource-server' {
  interface KnownScopes {
    'read:orders': true;
    'write:orders': true;
  }
}

export const known = [Scopes('read:orders', 'write:orders'), AnyScope('write:orders', 'read:orders')];

// @ts-expect-error: a typing mistake
Scopes('read:ordres');
// @ts-expect-error: one of two
Scopes('read:orders', 'write:ordres');
// @ts-expect-error: a typing mistake
AnyScope('raed:orders');
// @ts-expect-error: one of two
AnyScope('read:orders', 'admin');
// @ts-expect-error: no scope
AnyScope();

export function fromElsewhere(scope: string): void {
  // @ts-expect-error: any string, where the scopes are known
  Scopes(scope);
}
