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
  /** Class, handler, class, handler: one function may stand in several classes. As many as the schema has; most requests have few. */
  readonly fields: object[];
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
    known = (carrier as Carrier)[ADMISSION] = { ...admitted, fields: [] };
  // Aliases of a field come here at the same time, while the token is validated.
  if (!holds(known, context)) known.fields.push(context.getClass(), context.getHandler());
}

/** By a guard with these options, for this class and handler. What changes with the time is to be checked again. */
export function recallField(
  { carrier, connection }: Pick<Call, 'carrier' | 'connection'>,
  options: ResolvedOptions,
  context: ExecutionContext,
): Omit<Admission, 'fields'> | undefined {
  const known = (carrier as Carrier)[ADMISSION];
  if (connection || known?.options !== options) return undefined;
  return holds(known, context) ? known : undefined;
}

function holds({ fields }: Admission, context: ExecutionContext): boolean {
  const [owner, handler] = [context.getClass(), context.getHandler()];
  for (let i = 0; i < fields.length; i += 2)
    if (fields[i + 1] === handler && fields[i] === owner) return true;
  return false;
}
