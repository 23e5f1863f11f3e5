/** The command line, as a user runs it: a process of its own, with an environment and a folder of its own. */
import { transformFileSync } from '@swc/core';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { collect } from './no-secrets-in-output.js';

export interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunSettings {
  readonly env?: Record<string, string>;
  readonly input?: string;
  /** Files in the folder that it runs in. */
  readonly files?: Record<string, string>;
}

/** A command that goes on until it is stopped. */
export interface Running {
  /** What it has written to standard output once this stands in it. */
  readonly says: (text: string) => Promise<string>;
  readonly stop: (signal?: NodeJS.Signals) => Promise<Run>;
}

export interface Cli {
  readonly run: (args: readonly string[], settings?: RunSettings) => Promise<Run>;
  readonly start: (args: readonly string[], settings?: RunSettings) => Running;
  readonly remove: () => void;
}

/** From the sources, not from `dist/`, which another test may be building just now. */
export function buildCli(): Cli {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'resource-server-cli-')));
  for (const file of readdirSync('lib', { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const { code } = transformFileSync(join('lib', file), {
      swcrc: false,
      jsc: { parser: { syntax: 'typescript', decorators: true }, target: 'es2022' },
      module: { type: 'es6' },
    });
    const target = join(folder, 'dist', file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return {
    run: (args, settings = {}) => run(folder, args, settings),
    start: (args, settings = {}) => start(folder, args, settings),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function run(folder: string, args: readonly string[], settings: RunSettings): Promise<Run> {
  const { ended } = spawnIn(folder, args, settings);
  const { code, out, err } = await ended;
  collect(out, err);
  return { code, out, err };
}

function start(folder: string, args: readonly string[], settings: RunSettings): Running {
  const { child, ended } = spawnIn(folder, args, settings);
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const says = async (text: string): Promise<string> => {
    while (!out.includes(text)) {
      const gone = ended.then(({ err }) => {
        throw new Error(`it ended without saying so: ${err}`);
      });
      await Promise.race([once(child.stdout, 'data'), gone]);
    }
    return out;
  };
  const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Run> => {
    child.kill(signal);
    return ended;
  };
  return { says, stop };
}

function spawnIn(
  folder: string,
  args: readonly string[],
  { env = {}, input = '', files = {} }: RunSettings,
): { readonly child: ChildProcessWithoutNullStreams; readonly ended: Promise<Run> } {
  const cwd = mkdtempSync(join(folder, 'run-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MONOCLOUD_BACKEND_'));
  const child = spawn(process.execPath, [join(folder, 'dist', 'cli', 'main.js'), ...args], {
    cwd,
    env: { ...Object.fromEntries(inherited), ...env },
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  // It may have ended before it read.
  child.stdin.on('error', () => undefined).end(input);
  const ended = new Promise<Run>((done) => child.once('close', (code) => done({ code, out, err })));
  return { child, ended };
}

/** One finding of a screen, in one line: status, check, what was found, what to change. */
export function findingsIn(out: string): string[] {
  const [screen = ''] = out.split('\n\n');
  return screen
    .replaceAll(/\n +-> /g, ' -> ')
    .trim()
    .split('\n')
    .map((line) => line.replace(/^(\S+) +(\S+(?: \S+)*) {2,}/, '$1 $2: '));
}
