/** Which settings does an API read? Its own `.env`; made from `.env.example` the first time. */
import { constants, copyFileSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Compiled, this file is in dist/launch; the folders of the APIs are beside dist.
const sample = new URL('../../', import.meta.url);

/** Whether it had to be made. */
export function ensureEnvFile(api: string): boolean {
  const file = fileURLToPath(new URL(`${api}/.env`, sample));
  if (existsSync(file)) return false;
  copyFileSync(`${file}.example`, file, constants.COPYFILE_EXCL);
  return true;
}

/**
 * What a child inherits: everything but the library's own variables. The environment wins over `.env` files, so one
 * API's audience in our shell would become the audience of both. No colours when what they print is not for a terminal.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  const inherited = Object.fromEntries(entries.filter(([name]) => !name.startsWith('MONOCLOUD_BACKEND_')));
  return process.stdout.isTTY ? inherited : { NO_COLOR: '1', ...inherited };
}
