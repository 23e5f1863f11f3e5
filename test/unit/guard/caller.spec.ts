import { callerOf, forgetCaller, knownCaller } from '../../../lib/guard/caller.js';
import { Once } from '../../../lib/timing/once.js';
import type { Call } from '../../../lib/transport/transport.js';
import { advanceClock, holdClock } from '../../support/clock.js';

describe('callerOf', () => {
  const call = (carrier: object, params?: object): Call => ({
    carrier,
    request: { headers: {} },
    connection: params && { params },
    operation: carrier,
  });

  it('is one for a request, and another for another module', () => {
    const [request, module] = [{}, {}];
    const caller = callerOf(call(request), module);
    expect(callerOf(call(request), module)).toBe(caller);
    expect(callerOf(call({}), module)).not.toBe(caller);
    expect(callerOf(call(request), {})).not.toBe(caller);
  });

  it('is another where a connection is opened anew with other parameters', () => {
    const [connection, module, params] = [{}, {}, { authorization: 'Bearer a' }];
    const caller = callerOf(call(connection, params), module);
    expect(callerOf(call(connection, params), module)).toBe(caller);
    expect(callerOf(call(connection, { ...params }), module)).not.toBe(caller);
  });

  it('keeps a validation for each age of introspection answers: of a request for good, of a connection for a second', () => {
    const ofRequest = callerOf(call({}), {});
    const ofConnection = callerOf(call({}, {}), {});
    for (const caller of [ofRequest, ofConnection]) {
      expect(caller.validation(undefined)).toBe(caller.validation(undefined));
      expect(caller.validation(0)).not.toBe(caller.validation(undefined));
      expect(caller.validation(0)).toBe(caller.validation(0));
    }
    const [first, second] = [ofRequest.validation(0), ofConnection.validation(0)];
    advanceClock(2);
    expect(ofRequest.validation(0)).toBe(first);
    expect(ofConnection.validation(0)).not.toBe(second);
  });

  it('has one proof for a key, and one user for an operation', () => {
    const caller = callerOf(call({}), {});
    expect(caller.proof('a')).toBe(caller.proof('a'));
    expect(caller.proof('a')).not.toBe(caller.proof('b'));
    const operation = {};
    expect(caller.principal(operation, 'a')).toBe(caller.principal(operation, 'a'));
    expect(caller.principal(operation, 'a')).not.toBe(caller.principal({}, 'a'));
    expect(caller.principal(operation, 'a')).not.toBe(caller.principal(operation, 'b'));
  });

  it('is known of a call once it was asked for, until it is forgotten', () => {
    const [request, module] = [call({}), {}];
    expect(knownCaller(request, module)).toBeUndefined();
    const caller = callerOf(request, module);
    expect(knownCaller(request, module)).toBe(caller);
    expect(knownCaller(request, {})).toBeUndefined();
    expect(knownCaller({ ...request, connection: { params: {} } }, module)).toBeUndefined();
    forgetCaller(request.carrier);
    expect(knownCaller(request, module)).toBeUndefined();
    expect(callerOf(request, module)).not.toBe(caller);
  });

  it('has one kind of credentials, and one certificate', () => {
    const caller = callerOf(call({}), {});
    expect(caller.credentials).toBeInstanceOf(Once);
    expect(caller.credentials).toBe(caller.credentials);
    expect(caller.certificate).toBe(caller.certificate);
    expect(caller.certificate).not.toBe(caller.credentials);
    expect(callerOf(call({}), {}).certificate).not.toBe(caller.certificate);
  });

  it('shares certificate and proof with the callers of one sender, in one module', () => {
    const [sender, module] = [{}, {}];
    const of = (belongsTo: object, by: object = sender) =>
      callerOf({ ...call({}, {}), sender: by }, belongsTo);
    const [first, second] = [of(module), of(module)];
    expect(second).not.toBe(first);
    expect(second.certificate).toBe(first.certificate);
    expect(second.proof('a')).toBe(first.proof('a'));
    expect(of(module, {}).certificate).not.toBe(first.certificate);
    expect(of({}).certificate).not.toBe(of(module).certificate);
  });

  it('keeps what was validated anew for each age by itself, and for a second from then', () => {
    const caller = callerOf(call({}, {}), {});
    holdClock();
    const [old, other] = [caller.validation(0), caller.validation(10)];
    advanceClock(0.999);
    expect(caller.validation(0)).toBe(old);
    advanceClock(0.001);
    const anew = caller.validation(0);
    expect(anew).not.toBe(old);
    advanceClock(0.5);
    expect(caller.validation(0)).toBe(anew);
    expect(caller.validation(10)).not.toBe(other);
    expect(caller.validation(0)).toBe(anew);
  });
});
