/** Runs an issuer for development on loopback until it is told to stop. */
import { TestIssuer } from '../../testing/test-issuer.js';
import { describeIssuer, tokenOptionsOf } from './describe-issuer.js';
import type { IssuerCommand } from './issuer-arguments.js';

/** The same at every start, so that `.env` stays as it is. No secret: `/token` asks for none either. */
const CLIENT_SECRET = 'development-only';

const WATCH_EVERY_MS = 300;

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
    err(`nestjs-resource-server: port ${port} ${why}; choose another one with --port\n`);
    return 1;
  }
  // From here on a signal is heard: whoever reads what is printed may send one at once.
  const stopped = untilStop();
  out(describeIssuer(issuer, command));
  await stopped;
  await issuer.close();
  return 0;
}

/**
 * Until Ctrl-C or SIGTERM. npx does not pass SIGTERM on: under npm, the end of the parent ends this process, too, or it
 * would keep the port.
 */
export function untilStopped(): Promise<void> {
  const parent = process.ppid;
  const hasWatchedParent = process.env['npm_lifecycle_event'] !== undefined;
  return new Promise((resolve) => {
    // The issuer's own socket does not keep the process alive; this does.
    const hold = setInterval(() => hasWatchedParent && process.ppid !== parent && stop(), WATCH_EVERY_MS);
    const stop = (): void => {
      clearInterval(hold);
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
