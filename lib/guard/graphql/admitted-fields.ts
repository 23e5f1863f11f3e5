/** Which fields has the token of a GraphQL request been found good for? A request may have thousands, most of them alike. */
import type { Credentials } from '../../credentials/extract-credentials.js';
import type { ResolvedOptions } from '../../options/auth-options.js';
import type { RoutePolicy } from '../../policy/route-policy.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import type { Call } from '../../transport/transport.js';

interface Admission {
  /** Of one module. */
  readonly options: ResolvedOptions;
  readonly token: ValidatedToken;
  readonly scheme: Credentials['scheme'];
  /** Each class and handler has one of its own. */
  readonly policies: Set<RoutePolicy>;
}

/** A symbol: no parameter, header or body can bring a property of this name. */
const ADMISSION = Symbol('nestjs-resource-server:fields');

type Carrier = { [ADMISSION]?: Admission };

/** Not of connections: these outlive what was checked once. */
export function rememberField(
  { carrier, connection }: Call,
  admitted: Omit<Admission, 'policies'>,
  policy: RoutePolicy,
): void {
  if (connection) return;
  const known = (carrier as Carrier)[ADMISSION];
  if (known?.token === admitted.token && known.options === admitted.options) known.policies.add(policy);
  else (carrier as Carrier)[ADMISSION] = { ...admitted, policies: new Set([policy]) };
}

/** By a guard with these options, for this class and handler. What changes with the time is to be checked again. */
export function recallField(
  { carrier, connection }: Call,
  options: ResolvedOptions,
  policy: RoutePolicy,
): Omit<Admission, 'policies'> | undefined {
  const known = (carrier as Carrier)[ADMISSION];
  return !connection && known?.options === options && known.policies.has(policy) ? known : undefined;
}
