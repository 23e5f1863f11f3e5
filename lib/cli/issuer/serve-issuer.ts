/** Runs an issuer for development on loopback until it is told to stop. */
import { TestIssuer } from '../../testing/test-issuer.js';
import { describeIssuer, tokenOptionsOf } from './describe-issuer.js';
import type { IssuerCommand } from './issuer-arguments.js';

/** The same at every start, so that `.env` stays as it is. No secret: `/token` asks for none either. */
const CLIENT_SECRET = 'development-only';

export interface Output {
  readonly out: (text: string) => unknown;
  readonly err: (text: string) => unknown;
}

/** @returns the exit code: 1 where the port cannot be had */
export async function serveIssuer(
  command: IssuerCommand,
  { out, err }: Output,
  untilStop: () => Promise<unknown>,
): Promise<number> {
  const { port, audience, prefix: envPrefix, opaque } = command;
  const tokenEndpoint = { ...tokenOptionsOf(command), opaque };
  let issuer: TestIssuer;
  try {
    issuer = await TestIssuer.start({
      port,
      audience,
      envPrefix,
      clientSecret: CLIENT_SECRET,
      tokenEndpoint,
    });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== 'listen') throw error;
    const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${code})`;
    err(`nestjs-resource-server: port ${port} ${why}; --port takes another one\n`);
    return 1;
  }
  // From here on a signal is heard: whoever reads what is printed may send one at once.
  const stopped = untilStop();
  out(describeIssuer(issuer, command));
  await stopped;
  await issuer.close();
  return 0;
}

/** Until Ctrl-C or SIGTERM. */
export function untilStopped(): Promise<void> {
  // The issuer's own socket does not keep a process from ending.
  const hold = setInterval(() => undefined, 2 ** 30);
  return new Promise((resolve) => {
    const stop = (): void => {
      clearInterval(hold);
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
