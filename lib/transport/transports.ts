/** The transports that the guard knows. */
import type { ArgumentsHost } from '@nestjs/common';
import { graphqlTransport } from './graphql.transport.js';
import { httpTransport } from './http.transport.js';
import { rpcTransport } from './rpc.transport.js';
import type { Transport } from './transport.js';
import { wsTransport } from './ws.transport.js';

const TRANSPORTS: ReadonlyMap<string, Transport> = new Map(
  [httpTransport, graphqlTransport, wsTransport, rpcTransport].map((each) => [each.kind, each]),
);

/** `undefined` for a kind of context that no transport stands for. */
export function findTransport(host: ArgumentsHost): Transport | undefined {
  return TRANSPORTS.get(host.getType<string>());
}
