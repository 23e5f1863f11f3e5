/** Is somebody else already listening where a sample wants to be? */
import { connect } from 'node:net';

const ANSWER_WITHIN_MS = 1000;

/** Knocks instead of binding: that also finds a listener on all interfaces, which some systems let us bind beside. */
function isTaken(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.setTimeout(ANSWER_WITHIN_MS, () => settle(true));
  });
}

/** Those of the ports that are in use, on IPv4 or IPv6: `localhost` may mean either. */
export async function findTakenPorts(ports: readonly number[]): Promise<number[]> {
  const taken = await Promise.all(
    ports.map(async (port) => (await isTaken('127.0.0.1', port)) || (await isTaken('::1', port))),
  );
  return ports.filter((_, index) => taken[index]);
}
