/** The port between the guard and Nest's kinds of context: one object per kind knows where things are. */
import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import type { ClientCertificate } from '../credentials/client-certificate.js';
import type { Credentials } from '../credentials/extract-credentials.js';
import type { IncomingRequest, ResolverOptions } from '../credentials/incoming-request.js';
import type { MessageOptions } from '../credentials/message-token.js';
import type { Refusal } from '../errors/refusal.js';

/** One call of a handler, and who is behind it. */
export interface Call {
  /** What stands for the caller: the request, or the connection. What is verified once is kept on it, and the principal. */
  readonly carrier: object;
  /** The HTTP request that carries the call, or that opened the connection: certificate and proof are read from it. */
  readonly request: IncomingRequest;
  /** Of a connection: what the client presented when it connected, beside the request. */
  readonly connection: { readonly params: unknown } | undefined;
  /** What calls share for which a user is loaded once: the request, or one operation of a connection. */
  readonly operation: object;
  /**
   * Of a message, which no HTTP request carries: no proof can come with it, and {@link Call.request} is empty. Nothing is kept
   * for it either: whether a transport of the application makes a context for each message is not known.
   */
  readonly message?: {
    /** Of the sender's connection, where there is one to this process. */
    readonly certificate: () => ClientCertificate | undefined;
  };
  /** What certificate and proof are kept on, where they hold for more than the carrier. */
  readonly sender?: object;
}

/** Adding a transport means one more implementation of this, in a file of its own, and an entry in `transports.ts`. */
export interface Transport {
  /** What `ExecutionContext.getType()` answers. */
  readonly kind: string;
  /** `undefined` where there is no request behind it. */
  callOf(host: ArgumentsHost): Call | undefined;
  /** For the operator, where {@link Transport.callOf} finds no request. */
  readonly missingRequest: string;
  /** Loads what {@link Transport.refuse} needs of an optional package; `undefined` once that is there. */
  prepare?(): Promise<void> | undefined;
  /** What the caller presented. Without a promise if the application's resolver has none. */
  credentialsOf(
    call: Call,
    options: ResolverOptions & MessageOptions,
    context: ExecutionContext,
  ): Credentials | undefined | Promise<Credentials | undefined>;
  /** Sets a header of the answer, where there is one. */
  setHeader(host: ArgumentsHost, name: string, value: string | readonly string[]): void;
  /** Puts a refusal into the transport's form: sets its headers, and makes the exception that the framework answers with. */
  refuse(host: ArgumentsHost, refusal: Refusal): Error;
}
