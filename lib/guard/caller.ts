/** Stores results that all handlers of a request, a GraphQL operation or a connection share. */
import type { ClientCertificate } from '../credentials/client-certificate.js';
import type { Credentials } from '../credentials/extract-credentials.js';
import type { Principal } from '../principal/authenticated-request.js';
import { Once } from '../timing/once.js';
import type { ValidatedToken } from '../token/validated-token.js';
import type { Call } from '../transport/transport.js';

/** A connection may live for days, so only messages that arrive within this time share a validation. */
const FRESH_ON_CONNECTION_MS = 1000;

interface Validation {
  readonly introspectMaxAge: number | undefined;
  readonly beganAt: number;
  readonly once: Once<ValidatedToken>;
}

/** The certificate and the proof of a request. All its callers share them. */
class Sender {
  #certificate: Once<ClientCertificate | undefined> | undefined;
  #proof: { readonly jkt: string; readonly once: Once<void> } | undefined;

  constructor(readonly module: object) {}

  get certificate(): Once<ClientCertificate | undefined> {
    return (this.#certificate ??= new Once());
  }

  /** All handlers share one verification, because a proof can be used only once (RFC 9449 section 11.1). */
  proof(jkt: string): Once<void> {
    if (this.#proof?.jkt !== jkt) this.#proof = { jkt, once: new Once() };
    return this.#proof.once;
  }
}

export class Caller {
  readonly #validations: Validation[] = [];
  #credentials: Once<Credentials | undefined> | undefined;
  #sender: Sender | undefined;
  #principals: WeakMap<object, { readonly token: string; readonly once: Once<Principal> }> | undefined;

  /**
   * @param params the parameters of a connection; other parameters make another caller
   * @param carrier the object that stores the sender, if several callers share it
   */
  constructor(
    readonly module: object,
    readonly params: unknown,
    private readonly isConnection: boolean,
    private readonly carrier?: object,
  ) {}

  get credentials(): Once<Credentials | undefined> {
    return (this.#credentials ??= new Once());
  }

  get certificate(): Once<ClientCertificate | undefined> {
    return this.#senderOf().certificate;
  }

  /** Returns the validation that handlers with this maximum age of an introspection response share. */
  validation(introspectMaxAge: number | undefined): Once<ValidatedToken> {
    const now = this.isConnection ? performance.now() : 0;
    const index = this.#validations.findIndex((each) => each.introspectMaxAge === introspectMaxAge);
    const known = this.#validations[index];
    if (known && now - known.beganAt < FRESH_ON_CONNECTION_MS) return known.once;
    const validation: Validation = { introspectMaxAge, beganAt: now, once: new Once() };
    if (index === -1) this.#validations.push(validation);
    else this.#validations[index] = validation;
    return validation.once;
  }

  proof(jkt: string): Once<void> {
    return this.#senderOf().proof(jkt);
  }

  /** Returns the principal of this token for one operation. The transport decides whether each message is an operation. */
  principal(operation: object, token: string): Once<Principal> {
    this.#principals ??= new WeakMap();
    let principal = this.#principals.get(operation);
    if (principal?.token !== token)
      this.#principals.set(operation, (principal = { token, once: new Once() }));
    return principal.once;
  }

  #senderOf(): Sender {
    if (!this.carrier) return (this.#sender ??= new Sender(this.module));
    const holder = this.carrier as { [SENDER]?: Sender };
    if (holder[SENDER]?.module !== this.module) holder[SENDER] = new Sender(this.module);
    return holder[SENDER];
  }
}

/** Symbols, so that no parameter, header or body can set these properties. */
const CALLER = Symbol('nestjs-resource-server:caller');
const SENDER = Symbol('nestjs-resource-server:sender');

interface Carrier {
  [CALLER]?: Caller | undefined;
}

/**
 * Returns the stored caller. `undefined` if nothing is stored: a header or a cached token is faster to look up again.
 *
 * @param module identifies this module among those of several applications that the request passes through
 */
export function knownCaller({ carrier, connection }: Call, module: object): Caller | undefined {
  const known = (carrier as Carrier)[CALLER];
  return known && known.module === module && known.params === connection?.params ? known : undefined;
}

export function callerOf(call: Call, module: object): Caller {
  const known = knownCaller(call, module);
  if (known) return known;
  const { carrier, connection, sender } = call;
  const caller = new Caller(module, connection?.params, connection !== undefined, sender);
  return ((carrier as Carrier)[CALLER] = caller);
}

/** Removes the caller from a long-lived carrier once its results are stored elsewhere. */
export function forgetCaller(carrier: object): void {
  (carrier as Carrier)[CALLER] = undefined;
}
