/** The transports that the guard supports. */
import type { ArgumentsHost } from '@nestjs/common';
import { graphqlTransport } from './graphql.transport.js';
import { httpTransport } from './http.transport.js';
import { rpcTransport } from './rpc.transport.js';
import type { Transport } from './transport.js';
import { wsTransport } from './ws.transport.js';

const TRANSPORTS: ReadonlyMap<string, Transport> = new Map(
  [httpTransport, graphqlTransport, wsTransport, rpcTransport].map((each) => [each.kind, each]),
);

/** Returns `undefined` for a type of context without a transport. */
export function findTransport(host: ArgumentsHost): Transport | undefined {
  return TRANSPORTS.get(host.getType<string>());
}
