import { callerOf } from '../../../lib/guard/caller.js';
import type { Call } from '../../../lib/transport/transport.js';
import { advanceClock } from '../../support/clock.js';

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
});
