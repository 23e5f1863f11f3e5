/** Runs an issuer for development on a loopback address until it is stopped. */
import { TestIssuer } from '../../testing/test-issuer.js';
import { describeIssuer, tokenOptionsOf } from './describe-issuer.js';
import type { IssuerCommand } from './issuer-arguments.js';

/** The same at every start, so that `.env` remains valid. Not confidential: `/token` requires no secret either. */
const CLIENT_SECRET = 'development-only';

const WATCH_EVERY_MS = 300;

export interface Output {
  readonly out: (text: string) => unknown;
  readonly err: (text: string) => unknown;
}

/** @returns the exit code: 1 if the port cannot be used */
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
  // Signals are handled before anything is printed, because a program that reads the output may send one immediately.
  const stopped = untilStop();
  out(describeIssuer(issuer, command));
  await stopped;
  await issuer.close();
  return 0;
}

/**
 * Resolves at Ctrl-C or SIGTERM. npx does not forward SIGTERM, and the process would keep the port; so under npm, it also
 * resolves when the parent process ends.
 */
export function untilStopped(): Promise<void> {
  const parent = process.ppid;
  const hasWatchedParent = process.env['npm_lifecycle_event'] !== undefined;
  return new Promise((resolve) => {
    // The issuer's own socket does not keep the process alive; this timer does.
    const hold = setInterval(() => hasWatchedParent && process.ppid !== parent && stop(), WATCH_EVERY_MS);
    const stop = (): void => {
      clearInterval(hold);
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}
