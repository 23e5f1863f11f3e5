/** Where does the service listen? For the service and for its clients. */
export const GRPC = {
  url: '127.0.0.1:4062',
  package: 'orders',
  // In the folder that the service is started in, as `.env` is.
  protoPath: 'orders.proto',
};
export const TCP = { host: '127.0.0.1', port: 4063 };
