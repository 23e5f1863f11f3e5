/** Programs, run to their end: quiet when they succeed, with all that they said when they fail. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const LONGEST_RUN = 4 * 60 * 1000;

/** @throws {Error} with the output, where the program does not end with 0 */
export function run(command, args, { cwd, env = {} }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...inherited(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_RUN,
      shell: process.platform === 'win32',
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')}: ${signal ?? code}\n${output}`));
    });
  });
}

/** Without what npm and Jest tell their children: a consumer's shell has none of it. */
export function inherited() {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_(?!config_)|NODE_OPTIONS$|NODE_PATH$|JEST_|MONOCLOUD_)/i.test(name),
    ),
  );
}

/** Starts a server, waits until it says `listening on <url>`, and ends it after `use(url)`. */
export async function withServer(command, args, { cwd, env }, use) {
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
  });
  let output = '';
  const url = new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => reject(new Error(`does not listen\n${output}`)), 60_000);
    const read = (chunk) => {
      output += chunk;
      const [, address] = /listening on (\S+)/.exec(output) ?? [];
      if (!address) return;
      clearTimeout(giveUp);
      resolve(address);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(giveUp);
      reject(new Error(`${command} ${args.join(' ')}: ${code}\n${output}`));
    });
  });
  try {
    await use(await url);
  } finally {
    child.kill();
    await ended;
  }
}

/** Starts a server that does not say where it listens. */
export function start(command, args, { cwd, env }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let ended = false;
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const closed = new Promise((resolve) => {
    child.once('close', resolve);
  }).then(() => (ended = true));
  return {
    output: () => output,
    hasEnded: () => ended,
    stop: () => {
      child.kill();
      return closed;
    },
  };
}

/** On loopback. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
