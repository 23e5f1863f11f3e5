/** Which settings does an API read? Its own `.env`; made from `.env.example` the first time. */
import { constants, copyFileSync, existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';

/** The folder of the sources, of a compiled one: compiled files have their place below `dist`, and everything else does not. */
export function findSources(compiled: URL): URL {
  return new URL(compiled.href.replace(/\/dist\/(?!.*\/dist\/)/, '/'));
}

/** As people would type it where they are. */
export function shorten(place: URL): string {
  return relative('', fileURLToPath(place)) || '.';
}

function locate(sample: URL, program: string): URL {
  return new URL(`${program}/.env`, findSources(sample));
}

/**
 * Makes it, and says so, unless it is there. A program without an example has none.
 *
 * @param sample the folder of its compiled start.js
 */
export function ensureEnvFile(sample: URL, program: string): void {
  const file = locate(sample, program);
  const example = new URL('.env.example', file);
  if (existsSync(file) || !existsSync(example)) return;
  copyFileSync(example, file, constants.COPYFILE_EXCL);
  console.log(`Made ${shorten(file)} from .env.example.`);
}

/** What a program's `.env` says. */
export function readEnvFile(sample: URL, program: string): NodeJS.Dict<string> {
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
