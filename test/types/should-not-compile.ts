/** What must not get past the compiler: each line below an `@ts-expect-error` is an error, or this file is one. */
import {
  Actor,
  AnyScope,
  AuthModule,
  CertBound,
  DPoPBound,
  Groups,
  Introspect,
  OptionalAuth,
  Public,
  RequireClaims,
  requireScopes,
  Scopes,
  StepUp,
  TokenError,
  type AuthModuleOptions,
} from 'nestjs-resource-server';

// An empty requirement would be satisfied by everybody.
// @ts-expect-error: no scope
Scopes();
// @ts-expect-error: no group
Groups();
// @ts-expect-error: no group in the list
Groups([]);
// @ts-expect-error: no group in the list, whatever else is said
Groups([], { matchAll: true });

// @ts-expect-error: a list where scopes stand side by side
Scopes(['read:orders']);
// @ts-expect-error: a number is no scope
Scopes(1);
// @ts-expect-error: a list of strings that may be empty
Scopes(...([] as string[]));
// @ts-expect-error: no options here
Scopes('read:orders', { matchAll: true });

// @ts-expect-error: a number is no group
Groups('admin', 7);
// @ts-expect-error: options go with a list
Groups('admin', { matchAll: true });
// @ts-expect-error: neither true nor false
Groups(['admin'], { matchAll: 'yes' });
// @ts-expect-error: not an option
Groups(['admin'], { all: true });

// @ts-expect-error: no scope
AnyScope();
// @ts-expect-error: a list where scopes stand side by side
AnyScope(['read:orders', 'manage:orders']);
// @ts-expect-error: a list of strings that may be empty
AnyScope(...([] as string[]));

// @ts-expect-error: a sign-in of any kind and any time
StepUp();
// @ts-expect-error: a string for a list
StepUp({ acrValues: 'gold' });
// @ts-expect-error: no value in the list
StepUp({ acrValues: [] });
// @ts-expect-error: neither of the two
StepUp({});
// @ts-expect-error: seconds are a number
StepUp({ maxAge: '5m' });
// @ts-expect-error: not an option
StepUp({ acr: ['gold'] });

// @ts-expect-error: no claim
RequireClaims();
// @ts-expect-error: a name of a claim alone
RequireClaims('email_verified');
// @ts-expect-error: null is no value of a claim
RequireClaims({ plan: null });
// @ts-expect-error: an object that names no parameter
RequireClaims({ tenant_id: { parameter: 'tenantId' } });
// @ts-expect-error: neither true nor false
RequireClaims({ age: (age) => String(age) });
// @ts-expect-error: a list in a list
RequireClaims({ plan: [['pro']] });

// @ts-expect-error: no scope
requireScopes({});
// @ts-expect-error: no request
requireScopes('tools:write');
// @ts-expect-error: takes nothing
Actor('sub');

// @ts-expect-error: seconds are a number
Introspect({ maxAge: 'x' });
// @ts-expect-error: not an option
Introspect({ age: 5 });
// @ts-expect-error: an object
Introspect(5);

// @ts-expect-error: takes nothing
Public(true);
// @ts-expect-error: takes nothing
OptionalAuth('maybe');
// @ts-expect-error: takes nothing
CertBound(true);
// @ts-expect-error: takes nothing
DPoPBound('required');

export class Fields {
  // @ts-expect-error: a requirement of a property would protect nothing
  @Scopes('read:orders') field = 1;
}

// @ts-expect-error: a duration is a number of seconds
AuthModule.forRoot({ clockTolerance: '5m' });
// @ts-expect-error: not an option
AuthModule.forRoot({ audiance: 'https://api.example.com' });
// @ts-expect-error: decided before the factory is asked
AuthModule.forRootAsync({ useFactory: () => ({ globalGuard: false }) });
// @ts-expect-error: neither true nor false
AuthModule.forRoot({ globalGuard: 'false' });
// @ts-expect-error: one of three
export const options: AuthModuleOptions = { dpop: { mode: 'optional' } };
// @ts-expect-error: the only profile is fapi2
AuthModule.forRoot({ profile: 'fapi1' });
// @ts-expect-error: not an option, but what others make of them
AuthModule.forRoot({ proofAlgorithms: ['ES256'] });
// @ts-expect-error: codes are a closed set
export const error = new TokenError('expired');
