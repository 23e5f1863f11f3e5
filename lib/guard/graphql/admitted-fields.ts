/** Which fields has the token of a GraphQL request been found good for? A request may have thousands, most of them alike. */
import type { ExecutionContext } from '@nestjs/common';
import type { Credentials } from '../../credentials/extract-credentials.js';
import type { ResolvedOptions } from '../../options/auth-options.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import type { Call } from '../../transport/transport.js';

interface Admission {
  /** Of one module. */
  readonly options: ResolvedOptions;
  readonly token: ValidatedToken;
  readonly scheme: Credentials['scheme'];
  /** Handlers, by their class: one function may stand in several. */
  readonly fields: Map<object, Set<object>>;
}

/** A symbol: no parameter, header or body can bring a property of this name. */
const ADMISSION = Symbol('nestjs-resource-server:fields');

type Carrier = { [ADMISSION]?: Admission };

/** Not of connections: these outlive what was checked once. Only where what is required depends on the token alone. */
export function rememberField(
  { carrier, connection }: Call,
  admitted: Omit<Admission, 'fields'>,
  context: ExecutionContext,
): void {
  if (connection) return;
  let known = (carrier as Carrier)[ADMISSION];
  if (known?.token !== admitted.token || known.options !== admitted.options)
    known = (carrier as Carrier)[ADMISSION] = { ...admitted, fields: new Map() };
  const handlers = known.fields.get(context.getClass());
  if (handlers) handlers.add(context.getHandler());
  else known.fields.set(context.getClass(), new Set([context.getHandler()]));
}

/** By a guard with these options, for this class and handler. What changes with the time is to be checked again. */
export function recallField(
  { carrier, connection }: Call,
  options: ResolvedOptions,
  context: ExecutionContext,
): Omit<Admission, 'fields'> | undefined {
  const known = (carrier as Carrier)[ADMISSION];
  if (connection || known?.options !== options) return undefined;
  return known.fields.get(context.getClass())?.has(context.getHandler()) === true ? known : undefined;
}
