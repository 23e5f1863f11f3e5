/** The interface between the guard and Nest's types of context. One object per type reads calls and creates rejections. */
import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import type { ClientCertificate } from '../credentials/client-certificate.js';
import type { Credentials } from '../credentials/extract-credentials.js';
import type { IncomingRequest, ResolverOptions } from '../credentials/incoming-request.js';
import type { MessageOptions } from '../credentials/message-token.js';
import type { Refusal } from '../errors/refusal.js';

/** One call of a handler, with its caller. */
export interface Call {
  /** The object that represents the caller: the request or the connection. It stores the principal and shared results. */
  readonly carrier: object;
  /** The HTTP request that carries the call, or that opened the connection: certificate and proof are read from it. */
  readonly request: IncomingRequest;
  /** For a connection: what the client presented when it connected, in addition to the request. */
  readonly connection: { readonly params: unknown } | undefined;
  /** The object that calls share for which a user is loaded once: the request, or one operation of a connection. */
  readonly operation: object;
  /**
   * For a message without an HTTP request: it cannot have a proof, and {@link Call.request} is empty. Nothing is stored for it,
   * because it is unknown whether a custom transport creates a context for each message.
   */
  readonly message?: {
    /** The certificate of the sender's connection, if the sender connects directly to this process. */
    readonly certificate: () => ClientCertificate | undefined;
  };
  /** The object that stores certificate and proof, if they apply to more than the carrier. */
  readonly sender?: object;
}

/** To add a transport, implement this interface in a separate file and add it to `transports.ts`. */
export interface Transport {
  /** The value of `ExecutionContext.getType()`. */
  readonly kind: string;
  /** Returns `undefined` if the call has no request. */
  callOf(host: ArgumentsHost): Call | undefined;
  /** The error detail for the operator if {@link Transport.callOf} finds no request. */
  readonly missingRequest: string;
  /** Loads what {@link Transport.refuse} needs of an optional package. Returns `undefined` once it is loaded. */
  prepare?(): Promise<void> | undefined;
  /** Returns what the caller presented; a promise only if the application's resolver returns one. */
  credentialsOf(
    call: Call,
    options: ResolverOptions & MessageOptions,
    context: ExecutionContext,
  ): Credentials | undefined | Promise<Credentials | undefined>;
  /** Sets a header of the response, if there is one. */
  setHeader(host: ArgumentsHost, name: string, value: string | readonly string[]): void;
  /** Sets the headers of a rejection, and creates the exception that the framework turns into the response. */
  refuse(host: ArgumentsHost, refusal: Refusal): Error;
}
