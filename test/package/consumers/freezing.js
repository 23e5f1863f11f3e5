/**
 * A function that is frozen between its calls: is the first answer after that right? The issuer has changed its key
 * meanwhile, revoked what it had issued, and closed the connections that were kept open.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { inherited } from './commands.js';
import { startIssuer } from './issuer.js';

const DAY = 24 * 60 * 60;
const CLOCKS = fileURLToPath(new URL('freezing/clocks.mjs', import.meta.url));

/**
 * `wall`, `running`: how far each clock of the process has gone on, in seconds, when it continues. Where the virtual
 * machine is frozen, the clock that only runs forward stands still. `seconds`: so long it is really stopped; the keys are
 * due meanwhile.
 */
const FREEZES = {
  'frozen for a day': { wall: DAY, running: DAY },
  'frozen for a day, with the clock that only runs forward': { wall: DAY, running: 0 },
  'frozen for a day, with introspection': { wall: DAY, running: 0, introspects: true },
  'frozen for seconds, in which keys were due': { wall: 0, running: 0, seconds: 4 },
};

/** Windows cannot stop a process. */
export function chooseFreezes({ only = '' } = {}) {
  if (process.platform === 'win32') return [];
  return Object.keys(FREEZES).filter((name) => name.includes(only));
}

/** On Express and Fastify at the same time. */
export async function freezeAndCall(name, cwd) {
  await Promise.all(
    ['express', 'fastify'].map((adapter) =>
      freezeOne(FREEZES[name], adapter, cwd).catch(({ message }) => {
        throw new Error(`${adapter}: ${message}`);
      }),
    ),
  );
}

async function freezeOne({ wall, running, seconds, introspects }, ADAPTER, cwd) {
  const issuer = await startIssuer();
  const env = {
    ...inherited(),
    ...issuer.environment,
    ...(introspects ? issuer.introspection : {}),
    ADAPTER,
    // What is older than both together is not used while it is renewed, however slow the machine is.
    MONOCLOUD_BACKEND_JWKS_CACHE_DURATION: seconds ? '2' : '300',
    MONOCLOUD_BACKEND_MAX_STALE: '3600',
  };
  const args = ['--import', CLOCKS, join('dist', 'main.js')];
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  try {
    const url = `${await listening(child)}/orders`;
    const status = async (token) =>
      (await fetch(url, { headers: { authorization: `Bearer ${token}`, connection: 'close' } })).status;
    const scope = 'read:orders';
    const now = Math.floor(Date.now() / 1000);
    const withdrawn = issuer.mint({ scope, exp: now + 10 * DAY });
    const before = await status(withdrawn);

    child.kill('SIGSTOP');
    issuer.startAgain();
    const fresh = issuer.mint({ scope, iat: now + wall, exp: now + wall + 3600 });
    const expired = issuer.mint({ scope, exp: now - 3600 });
    if (seconds) await sleep(seconds * 1000);
    child.kill('SIGCONT');
    const continued = once(child, 'message');
    child.send({ wall, running });
    await continued;

    // Keys that have been due for seconds only may be used for a moment: the first token needs the new ones.
    const [one, other] = seconds ? [fresh, withdrawn] : [withdrawn, fresh];
    const answers = new Map([[one, await status(one)]]);
    for (const token of [other, expired]) answers.set(token, await status(token));
    const statuses = [before, ...[fresh, withdrawn, expired].map((token) => answers.get(token))].join(' ');
    if (statuses !== '200 200 401 401') throw new Error(`answers ${statuses}, expected 200 200 401 401`);
  } finally {
    child.kill('SIGKILL');
    issuer.close();
  }
}

async function listening(child) {
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    const [, url] = /listening on (\S+)/.exec(output) ?? [];
    if (url) return url;
  }
  throw new Error(`does not listen\n${output}`);
}
