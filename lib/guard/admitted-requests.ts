/** Records the route that a request was admitted to: Nest runs a global guard again for a class under `@UseGuards(AuthGuard)`. */
import type { ResolvedOptions } from '../options/auth-options.js';
import type { RoutePolicy } from '../policy/route-policy.js';

/** An admission by the guard of one module. The policy identifies the route. */
interface Admission {
  readonly options: ResolvedOptions;
  readonly policy: RoutePolicy;
}

/** A symbol, so that no parameter, header or body can set this property. */
const ADMISSION = Symbol('nestjs-resource-server:admission');

/** Records an admission. A DPoP proof can be used only once, so a second decision would reject the request. */
export function rememberAdmission(request: object, options: ResolvedOptions, policy: RoutePolicy): void {
  (request as { [ADMISSION]?: Admission })[ADMISSION] = { options, policy };
}

/** Whether a guard with these options has admitted the request to the route with this policy. */
export function isAdmitted(request: object, options: ResolvedOptions, policy: RoutePolicy): boolean {
  const admission = (request as { readonly [ADMISSION]?: Admission })[ADMISSION];
  return admission !== undefined && admission.policy === policy && admission.options === options;
}

/** Returns the policy of the route to which a guard with these options last admitted the request. */
export function admittedPolicy(request: object, options: ResolvedOptions): RoutePolicy | undefined {
  const admission = (request as { readonly [ADMISSION]?: Admission })[ADMISSION];
  return admission?.options === options ? admission.policy : undefined;
}
