/** On which cores? Server and load generator apart, where the machine has two and `taskset`. */
import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';

const cores = cpus().length;
/** The last core sends, the others answer. */
const SENDS = String(cores - 1);
const ANSWERS = cores > 2 ? `0-${cores - 2}` : '0';
let pins = false;

/** All threads that are there; those that come inherit it. */
function pin(pid, list) {
  return spawnSync('taskset', ['-apc', list, String(pid)], { stdio: 'ignore' }).status === 0;
}

/** Pins this process, and from now on the servers. @returns {string} what to say of it */
export function pinApart(wanted) {
  pins = wanted && cores >= 2 && pin(process.pid, SENDS);
  if (pins) return `pinned: servers on core ${ANSWERS}, load generator and issuer on core ${SENDS}`;
  return `not pinned${wanted ? ': taskset or a second core is missing' : ''}; server and load generator share ${cores} cores`;
}

export function pinServer(pid) {
  if (pins) pin(pid, ANSWERS);
}

/** Workers need cores of their own: with fewer than four, they and the load generator share all of them. */
export function unpinForWorkers(pid) {
  if (pins) pin(pid, cores < 4 ? `0-${cores - 1}` : ANSWERS);
  return cores < 4 ? `sharing all ${cores} cores with the load generator` : `on cores ${ANSWERS}`;
}

/** Lets the load generator have all cores where the workers have them, and takes them back. */
export function shareCores(shared) {
  if (pins && cores < 4) pin(process.pid, shared ? `0-${cores - 1}` : SENDS);
}
