/** The transport for HTTP requests, on Express and Fastify. */
import {
  BadRequestException,
  ForbiddenException,
  InternalServerErrorException,
  ServiceUnavailableException,
  UnauthorizedException,
  type ArgumentsHost,
  type HttpException,
} from '@nestjs/common';
import { resolveCredentials } from '../credentials/extract-credentials.js';
import type { IncomingRequest, ResolverOptions } from '../credentials/incoming-request.js';
import type { Refusal } from '../errors/refusal.js';
import type { Call, Transport } from './transport.js';

/** The part of the responses of Express and Fastify that is used. */
interface OutgoingResponse {
  /** Express only. */
  readonly headersSent?: boolean;
  /** Fastify only. */
  readonly sent?: boolean;
  header(name: string, value: string | readonly string[]): unknown;
}

const EXCEPTIONS = {
  400: BadRequestException,
  401: UnauthorizedException,
  403: ForbiddenException,
  500: InternalServerErrorException,
  503: ServiceUnavailableException,
} as const;

export const httpTransport: Transport = {
  kind: 'http',
  missingRequest: 'the context has no request',

  callOf(host: ArgumentsHost): Call {
    const request = host.switchToHttp().getRequest<IncomingRequest>();
    return { carrier: request, request, connection: undefined, operation: request };
  },

  credentialsOf: ({ request }: Call, options: ResolverOptions) => resolveCredentials(request, options),

  setHeader(host: ArgumentsHost, name: string, value: string | readonly string[]): void {
    const response = host.switchToHttp().getResponse<OutgoingResponse>();
    // A handler may fail after it has started the response.
    if (response.headersSent !== true && response.sent !== true) response.header(name, value);
  },

  refuse(host: ArgumentsHost, refusal: Refusal): HttpException {
    for (const [name, value] of Object.entries(refusal.headers)) this.setHeader(host, name, value);
    return httpExceptionFor(refusal);
  },
};

/** Creates Nest's exception without a stack, which would always be that of the guard. */
export function httpExceptionFor({ statusCode, message, cause }: Refusal): HttpException {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  const exception = new EXCEPTIONS[statusCode]({ statusCode, message }, { cause });
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return exception;
}
