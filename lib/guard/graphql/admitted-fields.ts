/** Records the fields that a GraphQL request was admitted to. A request may have thousands of fields, most of them alike. */
import type { ExecutionContext } from '@nestjs/common';
import type { Credentials } from '../../credentials/extract-credentials.js';
import type { ResolvedOptions } from '../../options/auth-options.js';
import type { ValidatedToken } from '../../token/validated-token.js';
import type { Call } from '../../transport/transport.js';

interface Admission {
  /** The options of the module whose guard admitted the field. */
  readonly options: ResolvedOptions;
  readonly token: ValidatedToken;
  readonly scheme: Credentials['scheme'];
  /** Class, handler, class, handler, …: classes may share a function. At most the fields of the schema; most requests have few. */
  readonly fields: object[];
}

/** A symbol, so that no parameter, header or body can set this property. */
const ADMISSION = Symbol('nestjs-resource-server:fields');

type Carrier = { [ADMISSION]?: Admission };

/**
 * Records an admitted field. Call it only if the requirements depend on the token alone. Does nothing for connections, because
 * they outlive a single check.
 */
export function rememberField(
  { carrier, connection }: Call,
  admitted: Omit<Admission, 'fields'>,
  context: ExecutionContext,
): void {
  if (connection) return;
  let known = (carrier as Carrier)[ADMISSION];
  if (known?.token !== admitted.token || known.options !== admitted.options)
    known = (carrier as Carrier)[ADMISSION] = { ...admitted, fields: [] };
  // Aliases of a field arrive here together, because they wait for the same validation.
  if (!holds(known, context)) known.fields.push(context.getClass(), context.getHandler());
}

/**
 * Returns the admission of this class and handler by a guard with these options. The caller must check times and revocations
 * again.
 */
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
