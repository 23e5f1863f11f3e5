/** Bytes on a socket, where an HTTP client would not send them. */
import { connect } from 'node:net';

/** The status of the answer. A server that will not read on may also hang up, and a client then miss what it said. */
export function sendBytes(origin: string, bytes: string): Promise<number | 'hung up'> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
  let answer = '';
  socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
  socket.on('error', () => socket.destroy());
  return new Promise((resolve) => {
    socket.on('close', () => {
      const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(answer) ?? [];
      resolve(status === undefined ? 'hung up' : Number(status));
    });
  });
}
