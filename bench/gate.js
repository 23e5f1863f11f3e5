/**
 * Has the guard become slower? `npm run bench:gate` fails if a request with a known token takes more CPU, beside one through
 * a guard that only says yes, than the limit allows.
 *
 * Both applications live in this process and take turns, without sockets, so that a slow or busy machine slows down both.
 * The limit is wide: it finds a guard that verifies a token again (3.8 and 2.5), and not one that only reads it again (1.7 and 1.5).
 */
import { makeApp } from './app.js';
import { makeTokens, startIssuer } from './issuer.js';
import { median } from './report.js';
import { MODULE, YES } from './variants.js';

const TOKENS = 500;
const ROUNDS = 15;
const LEAD_IN = 5;
const REQUESTS = 2000;

/** Requests at the same time, and the most that they may cost as a multiple of those of the other guard. */
const LIMITS = [
  { inFlight: 1, limit: 1.9 },
  { inFlight: 32, limit: 1.7 },
];

/** @returns {Promise<number>} µs of this process for each request */
async function measure(app, headers, inFlight) {
  const before = process.cpuUsage();
  let next = 0;
  const send = async () => {
    while (next < REQUESTS) {
      const { statusCode } = await app.inject({ url: '/things', headers: headers[next++ % headers.length] });
      if (statusCode !== 200) throw new Error(`bench: answered ${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, send));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / REQUESTS;
}

const source = await startIssuer();
const headers = makeTokens(source, TOKENS, 'RS256').map((token) => ({ authorization: `Bearer ${token}` }));
const apps = [];
for (const variant of [YES, MODULE]) {
  const app = await makeApp('Fastify', variant, source.issuer);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  apps.push(app);
}
let isTooSlow = false;
for (const { inFlight, limit } of LIMITS) {
  const rounds = [];
  for (let round = -LEAD_IN; round < ROUNDS; round++) {
    const [yes, ours] = [
      await measure(apps[0], headers, inFlight),
      await measure(apps[1], headers, inFlight),
    ];
    if (round >= 0) rounds.push({ yes, ours });
  }
  const ratio = median(rounds.map(({ yes, ours }) => ours / yes));
  const cpu = (name) => median(rounds.map((round) => round[name])).toFixed(1);
  isTooSlow ||= ratio > limit;
  console.log(
    `${inFlight} in flight: ${ratio.toFixed(2)} of ${YES} (${cpu('ours')} µs, ${cpu('yes')} µs of CPU a request); limit ${limit}${ratio > limit ? ': TOO SLOW' : ''}`,
  );
}
for (const app of apps) await app.close();
source.close();
process.exitCode = isTooSlow ? 1 : 0;
