/** Where does the service listen? For the service and for its clients. */
import { fileURLToPath } from 'node:url';

// Compiled, this file is in sample/dist/microservices/api; the definition stays beside the source.
const protoPath = fileURLToPath(new URL('../../../microservices/api/orders.proto', import.meta.url));

export const GRPC = { url: '127.0.0.1:4062', package: 'orders', protoPath };
export const TCP = { host: '127.0.0.1', port: 4063 };
