/** Who works when? Variants take turns within each round, so that a machine that slows down does so for all of them. */
import { measure, startServer } from './load.js';
import { VARIANTS } from './variants.js';
import { variantsOf } from './works.js';

const WARM_UP = 1;

/** Nobody comes first in every round. */
export function inTurn(list, round) {
  const start = round % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

/** Started, and warm enough that the first work is not the one that pays for compiling what all works share. */
async function startServers(platform, issuer, works) {
  const servers = new Map();
  for (const variant of new Set(works.flatMap((work) => variantsOf(work, platform)))) {
    const tokens = works.find((work) => variantsOf(work, platform).includes(variant)).leadIn;
    const server = await startServer(platform, variant, issuer);
    servers.set(variant, { ...server, done: new Set() });
    await measure(server, tokens, { seconds: WARM_UP, expected: 200 });
  }
  return servers;
}

async function measureOne(server, variant, work, { round, seconds }) {
  const { checks } = VARIANTS[variant];
  const { connections } = work;
  const expected = checks ? work.expected : 200;
  if (work.leadsEachRound || !server.done.has(work))
    await measure(server, work.leadIn, { expected, connections });
  server.done.add(work);
  // What is new or not is all the same to a variant that checks nothing: it is measured for the whole time.
  return measure(server, work.tokensOf(round), {
    expected,
    connections,
    seconds: work.once && checks ? undefined : seconds,
  });
}

/**
 * @param {string} platform
 * @param {import('./works.js').Work[]} works
 * @param {{ issuer: string, rounds: number, seconds: number, fresh: boolean }} settings fresh: new processes each round
 * @returns {Promise<{ platform: string, work: string, variant: string, rounds: object[] }[]>}
 */
export async function measurePlatform(platform, works, { issuer, rounds, seconds, fresh }) {
  const rows = works.flatMap((work) =>
    variantsOf(work, platform).map((variant) => ({ platform, work: work.name, variant, rounds: [] })),
  );
  let servers;
  for (let round = 0; round < rounds; round++) {
    servers ??= await startServers(platform, issuer, works);
    for (const work of works) {
      for (const variant of inTurn(variantsOf(work, platform), round)) {
        const result = await measureOne(servers.get(variant), variant, work, { round, seconds });
        rows.find((row) => row.work === work.name && row.variant === variant).rounds.push(result);
      }
    }
    if (!fresh && round + 1 < rounds) continue;
    for (const server of servers.values()) server.stop();
    servers = undefined;
  }
  return rows;
}
