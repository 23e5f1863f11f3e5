/** What is measured, and in which run? Each section prints its tables and answers with what results.json holds. */
import { measureOneConnection } from './alone.js';
import { measureDPoP } from './dpop.js';
import { measureExchange } from './exchange.js';
import { measureGraphQL } from './graphql.js';
import { measureEqualLoad, measureFlood, measureKeyRefresh } from './paced.js';
import { measureMemory } from './memory.js';
import { measureMessages } from './messages.js';
import { measureRefusals } from './refusals.js';
import { measureRevocations } from './revocations.js';
import { printHttp, printTenants, printValidation } from './report.js';
import { measurePlatform } from './rounds.js';
import { measureSockets } from './sockets.js';
import { measureStart } from './start.js';
import { measureValidation } from './validation.js';
import { measureTenants, measureThousandTenants } from './tenants.js';
import { measureWorkers } from './workers.js';
import { makeIntrospectionWorks, makeWorks } from './works.js';

/**
 * @typedef {{
 *   source: import('./issuer.js').Issuer,
 *   rounds: number,
 *   seconds: number, // per measurement
 *   fresh: boolean, // new processes each round
 *   platforms: string[],
 *   coldTokens: number,
 *   distinctTokens: number,
 * }} Context
 */

async function measureWorks(works, { source, platforms, ...settings }) {
  const all = [];
  for (const platform of platforms) {
    const rows = await measurePlatform(platform, works, { issuer: source.issuer, ...settings });
    printHttp(rows);
    all.push(...rows);
  }
  return all;
}

async function measureAlone({ source, rounds }) {
  const rows = await measureValidation(source, rounds);
  printValidation(rows);
  return rows;
}

async function measureSeveral({ source, rounds }) {
  const rows = await measureTenants(source, rounds);
  printTenants(rows);
  return [...rows, { name: '1,000 tenants', ...(await measureThousandTenants()) }];
}

/**
 * daily: part of a run that names none.
 *
 * @type {Record<string, { daily: boolean, run: (context: Context) => Promise<object> }>}
 */
export const SECTIONS = {
  http: { daily: true, run: (context) => measureWorks(makeWorks(context.source, context), context) },
  introspection: {
    daily: true,
    run: (context) => measureWorks(makeIntrospectionWorks(context.source, context), context),
  },
  alone: { daily: true, run: measureOneConnection },
  dpop: { daily: true, run: measureDPoP },
  graphql: { daily: false, run: measureGraphQL },
  'equal-load': { daily: true, run: measureEqualLoad },
  'key-refresh': { daily: false, run: measureKeyRefresh },
  flood: { daily: false, run: measureFlood },
  refusals: { daily: false, run: measureRefusals },
  messages: { daily: false, run: measureMessages },
  memory: { daily: false, run: measureMemory },
  sockets: { daily: false, run: measureSockets },
  start: { daily: true, run: measureStart },
  workers: { daily: false, run: measureWorkers },
  validation: { daily: true, run: measureAlone },
  exchange: { daily: true, run: measureExchange },
  tenants: { daily: true, run: measureSeveral },
  revocations: { daily: true, run: measureRevocations },
};
