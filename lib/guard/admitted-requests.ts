/** Which route has a request been admitted to? Nest runs the guard again for a class that is also under `@UseGuards(AuthGuard)`. */
import type { ResolvedOptions } from '../options/auth-options.js';
import type { RoutePolicy } from '../policy/route-policy.js';

/** Of one module; each class and handler has a policy of its own. */
interface Admission {
  readonly options: ResolvedOptions;
  readonly policy: RoutePolicy;
}

/** A symbol: no parameter, header or body can bring a property of this name. */
const ADMISSION = Symbol('nestjs-resource-server:admission');

/** A DPoP proof is good once, so that a second decision would refuse what the first one admitted. */
export function rememberAdmission(request: object, options: ResolvedOptions, policy: RoutePolicy): void {
  (request as { [ADMISSION]?: Admission })[ADMISSION] = { options, policy };
}

/** By a guard with these options, for this class and handler. */
export function isAdmitted(request: object, options: ResolvedOptions, policy: RoutePolicy): boolean {
  const admission = (request as { readonly [ADMISSION]?: Admission })[ADMISSION];
  return admission !== undefined && admission.policy === policy && admission.options === options;
}

/** Of the route that a guard with these options admitted the request to last. */
export function admittedPolicy(request: object, options: ResolvedOptions): RoutePolicy | undefined {
  const admission = (request as { readonly [ADMISSION]?: Admission })[ADMISSION];
  return admission?.options === options ? admission.policy : undefined;
}
