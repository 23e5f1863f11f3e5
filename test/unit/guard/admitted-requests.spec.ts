/** A second guard on the same route decides nothing anew, and a guard of another route or module does. */
import { admittedPolicy, isAdmitted, rememberAdmission } from '../../../lib/guard/admitted-requests.js';
import type { ResolvedOptions } from '../../../lib/options/auth-options.js';
import { readRoutePolicy, type RoutePolicy } from '../../../lib/policy/route-policy.js';

class Orders {
  list(): void {}
  remove(): void {}
}

describe('a request', () => {
  const options = {} as ResolvedOptions;
  const policyOf = (method: 'list' | 'remove'): RoutePolicy =>
    readRoutePolicy(Orders, Orders.prototype[method]);

  it('is admitted to nothing before a guard has decided', () => {
    expect(isAdmitted({}, options, policyOf('list'))).toBe(false);
    expect(admittedPolicy({}, options)).toBeUndefined();
  });

  it('is admitted to one route of one module', () => {
    const request = {};
    rememberAdmission(request, options, policyOf('list'));
    expect(isAdmitted(request, options, policyOf('list'))).toBe(true);
    expect(isAdmitted(request, options, policyOf('remove'))).toBe(false);
    expect(isAdmitted(request, {} as ResolvedOptions, policyOf('list'))).toBe(false);
    expect(admittedPolicy(request, options)).toBe(policyOf('list'));
    expect(admittedPolicy(request, {} as ResolvedOptions)).toBeUndefined();
  });

  it('brings no property of its own that could be taken for an admission', () => {
    const request = {};
    rememberAdmission(request, options, policyOf('list'));
    expect(Object.keys(request)).toEqual([]);
    expect(isAdmitted(JSON.parse(JSON.stringify(request)) as object, options, policyOf('list'))).toBe(false);
  });
});
