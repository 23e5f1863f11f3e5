/** On which cores? Server and load generator apart, where the machine has two and `taskset`. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

const count = cpus().length;
/** The last core sends, the others answer. */
const SENDS = String(count - 1);
const ANSWERS = count > 2 ? `0-${count - 2}` : '0';
const ALL = `0-${count - 1}`;
/** With fewer, several workers on what is left beside the load generator would show nothing. */
const ENOUGH_FOR_WORKERS = 4;
let pins = false;

/** All threads that are there; those that come inherit it. */
const pinSelf = (list) =>
  spawnSync('taskset', ['-apc', list, String(process.pid)], { stdio: 'ignore' }).status === 0;

/** Pins this process, and from now on the servers. @returns {string} what to say of it */
export function pinApart(wanted) {
  pins = wanted && count >= 2 && pinSelf(SENDS);
  if (pins) return `pinned: servers on core ${ANSWERS}, load generator and issuer on core ${SENDS}`;
  const missing = wanted ? ': taskset or a second core is missing' : '';
  return `not pinned${missing}; server and load generator share ${count} cores`;
}

/** How `fork` starts Node there. @param {boolean} sharing on all cores, also the load generator's */
export function nodeOnCores(sharing, execArgv) {
  if (!pins) return { execArgv };
  const list = sharing ? ALL : ANSWERS;
  return { execPath: 'taskset', execArgv: ['-c', list, process.execPath, ...execArgv] };
}

/** Several workers on few cores: all for all. @returns {{ sharing: boolean, where: string, restore: () => void }} */
export function coresForWorkers() {
  const sharing = count < ENOUGH_FOR_WORKERS;
  if (pins && sharing) pinSelf(ALL);
  return {
    sharing,
    where: sharing || !pins ? `sharing ${count} cores with the load generator` : `on cores ${ANSWERS}`,
    restore: () => pins && pinSelf(SENDS),
  };
}
