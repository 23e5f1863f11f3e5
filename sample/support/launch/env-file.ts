/** Which settings does an API read? Its own `.env`; made from `.env.example` the first time. */
import { constants, copyFileSync, existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

// Compiled, this file is in sample/dist/support/launch; the samples are beside dist.
const samples = new URL('../../../', import.meta.url);

function locate(sample: string, program: string): string {
  return fileURLToPath(new URL(`${sample}/${program}/.env`, samples));
}

/** Makes it, and says so, unless it is there. A program without an example has none. */
export function ensureEnvFile(sample: string, program: string): void {
  const file = locate(sample, program);
  if (existsSync(file) || !existsSync(`${file}.example`)) return;
  copyFileSync(`${file}.example`, file, constants.COPYFILE_EXCL);
  console.log(`Made sample/${sample}/${program}/.env from .env.example.`);
}

/** What a program's `.env` says. */
export function readEnvFile(sample: string, program: string): NodeJS.Dict<string> {
  return parseEnv(readFileSync(locate(sample, program), 'utf8'));
}

/**
 * What a child inherits: everything but the library's own variables. The environment wins over `.env` files, so one
 * API's audience in our shell would become the audience of all. No colours when what they print is not for a terminal.
 */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env);
  const inherited = Object.fromEntries(entries.filter(([name]) => !name.startsWith('MONOCLOUD_BACKEND_')));
  return process.stdout.isTTY ? inherited : { NO_COLOR: '1', ...inherited };
}
