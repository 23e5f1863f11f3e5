/**
 * Runs the instructions of docs/deploy/Dockerfile without Docker: a folder for each stage, the commands of `RUN`, `HEALTHCHECK`
 * and `CMD` as they are written. What a base image contains is not checked.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { run } from '../consumers/commands.js';

/** `nobody` of most systems. A user without root's rights runs it as itself. */
const NOBODY = 65534;
const unprivileged = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** @returns each instruction with its arguments, in order */
export function parseDockerfile(text) {
  return text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
      if (!name) throw new Error(`not an instruction: ${line}`);
      return { name, rest };
    });
}

/**
 * @param context the folder of the application, with a lock file
 * @param beside files that stand in for a registry: the lock file names them in the parent folder
 * @returns the last stage: its folder, environment, user and commands
 */
export async function buildImage(dockerfile, context, work, beside) {
  const stages = new Map();
  let stage;
  for (const { name, rest } of parseDockerfile(readFileSync(dockerfile, 'utf8'))) {
    if (name === 'FROM') {
      const [image, , alias = String(stages.size)] = rest.split(/\s+/);
      stage = { image, root: join(work, `stage-${alias}`), workdir: '/', env: {}, user: 'root' };
      stages.set(alias, stage);
      mkdirSync(stage.root, { recursive: true });
      for (const file of beside) cpSync(file, join(stage.root, basename(file)));
    } else if (name === 'WORKDIR') {
      stage.workdir = rest;
      mkdirSync(join(stage.root, rest), { recursive: true });
    } else if (name === 'ENV') {
      Object.assign(stage.env, Object.fromEntries(rest.split(/\s+/).map((each) => each.split('='))));
    } else if (name === 'COPY') {
      copy(stage, rest, context, stages);
    } else if (name === 'RUN') {
      await run('sh', ['-c', rest], { cwd: join(stage.root, stage.workdir), env: stage.env });
    } else if (name === 'USER') {
      stage.user = rest;
    } else if (name === 'HEALTHCHECK') {
      stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('CMD ') + 4));
    } else if (name === 'CMD') {
      stage.command = JSON.parse(rest);
    } else if (name === 'EXPOSE') {
      stage.port = rest;
    } else {
      throw new Error(`${name} is not known here`);
    }
  }
  return stage;
}

function copy(stage, rest, context, stages) {
  const words = rest.split(/\s+/);
  const from = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : undefined;
  const target = words.pop();
  const source = from === undefined ? context : stages.get(from).root;
  for (const word of words) {
    const path = join(source, word);
    const isFolder = word === '.' || !/\.\w+$/.test(word);
    const name = isFolder ? '' : basename(word);
    // As .dockerignore has it.
    const filter = (file) =>
      from !== undefined || !/[\\/](node_modules|dist)([\\/]|$)/.test(file.slice(source.length));
    cpSync(path, join(stage.root, stage.workdir, target, name), { recursive: true, filter });
  }
}

const LONGEST_WAIT = 60_000;

/** @throws {Error} if it takes longer than anything here does */
async function within(promise, describe) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(describe())), LONGEST_WAIT);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const inherited = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => ['PATH', 'SystemRoot'].includes(name)));

function start([program, ...args], stage, environment) {
  return spawn(program, args, {
    cwd: join(stage.root, stage.workdir),
    env: { ...inherited(), ...stage.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...unprivileged,
  });
}

/** @returns the exit code of the health check */
export function checkHealth(stage, environment) {
  const child = start(stage.healthcheck, stage, environment);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

/** Starts the command of the image, as a user who owns none of its files. */
export function startImage(stage, environment) {
  const child = start(stage.command, stage, environment);
  let output = '';
  const waiting = new Set();
  const take = (chunk) => {
    output += chunk;
    for (const look of waiting) look();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ code, signal });
      for (const look of waiting) look();
    });
  });
  const saying = (text) =>
    new Promise((resolve, reject) => {
      const look = () => {
        if (output.includes(text)) resolve();
        else if (child.exitCode !== null || child.signalCode !== null) reject(new Error(`ended\n${output}`));
      };
      waiting.add(look);
      look();
    });
  return {
    whenEnded: () => within(ended, () => `does not end\n${output}`),
    kill: (signal) => child.kill(signal),
    /** Resolves when the output contains this text. */
    says: (text) => within(saying(text), () => `does not say "${text}"\n${output}`),
  };
}

/** Nothing of the build is left: no sources, no compiler, no other user's rights. */
export function findLeftovers(stage) {
  const app = join(stage.root, stage.workdir);
  return ['src', 'node_modules/typescript', '.env']
    .filter((each) => existsSync(join(app, each)))
    .concat(readdirSync(app).filter((each) => !['package.json', 'node_modules', 'dist'].includes(each)));
}
