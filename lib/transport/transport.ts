/** The port between the guard and Nest's kinds of context: one object per kind knows where things are. */
import type { ArgumentsHost } from '@nestjs/common';
import type { IncomingRequest } from '../credentials/incoming-request.js';
import type { Refusal } from '../errors/refusal.js';

/** Adding a transport means one more implementation of this, in a file of its own, and an entry in `transports.ts`. */
export interface Transport {
  /** What `ExecutionContext.getType()` answers. */
  readonly kind: string;
  /** The HTTP request that carries the call: credentials, certificate and proof are read from it. */
  requestOf(host: ArgumentsHost): IncomingRequest;
  /** Sets a header of the answer, where there is one. */
  setHeader(host: ArgumentsHost, name: string, value: string | readonly string[]): void;
  /** Puts a refusal into the transport's form: the exception that the framework answers with. */
  toException(refusal: Refusal): Error;
}
