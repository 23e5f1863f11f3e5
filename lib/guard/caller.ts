/** Keeps what is verified once for a request, a GraphQL operation or a connection, however many handlers it calls. */
import type { ClientCertificate } from '../credentials/client-certificate.js';
import type { Credentials } from '../credentials/extract-credentials.js';
import type { Principal } from '../principal/authenticated-request.js';
import { Once } from '../timing/once.js';
import type { ValidatedToken } from '../token/validated-token.js';
import type { Call } from '../transport/transport.js';

/** A connection may live for days: what was validated for one message counts for those that come with it. */
const FRESH_ON_CONNECTION_MS = 1000;

interface Validation {
  readonly introspectMaxAge: number | undefined;
  readonly beganAt: number;
  readonly once: Once<ValidatedToken>;
}

/** Who sends: the certificate and the proof that came with a request hold for all of its callers. */
class Sender {
  #certificate: Once<ClientCertificate | undefined> | undefined;
  #proof: { readonly jkt: string; readonly once: Once<void> } | undefined;

  constructor(readonly module: object) {}

  get certificate(): Once<ClientCertificate | undefined> {
    return (this.#certificate ??= new Once());
  }

  /** A proof is good once (RFC 9449 section 11.1): for all handlers together. */
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
   * @param params what a connection was opened with; with others begins another caller
   * @param carrier what the sender is kept on, where several callers have the same
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

  /** For the handlers that accept an introspection answer of this age. */
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

  /** Of the holder of this token: whether each message has an operation of its own, its transport decides. */
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

/** A symbol: no parameter, header or body can bring a property of this name. */
const CALLER = Symbol('nestjs-resource-server:caller');
const SENDER = Symbol('nestjs-resource-server:sender');

interface Carrier {
  [CALLER]?: Caller | undefined;
}

/**
 * `undefined` where nothing is kept: what is at hand (a header, a token that was verified before) is quicker found again.
 *
 * @param module what tells this module from that of another application that the request goes through
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

/** For a carrier that lives for long, when what was kept is known otherwise. */
export function forgetCaller(carrier: object): void {
  (carrier as Carrier)[CALLER] = undefined;
}
