/** Does it grow with the cores? One, two and four processes on one port (node:cluster), warm tokens. */
import { makeTokens } from './issuer.js';
import { measure, startServer } from './load.js';
import { coresForWorkers } from './pinning.js';
import { printTable, spread } from './report.js';
import { inTurn } from './rounds.js';
import { MODULE, YES } from './variants.js';

const WORKERS = [1, 2, 4];
const ROTATION = 500;
/** Seconds for each process: one that is not warm yet compiles in the others' time. */
const WARM_UP = 1.5;

/** @returns {Promise<{ where: string, rows: { variant: string, workers: number, rounds: object[] }[] }>} */
export async function measureWorkers({ source, rounds, seconds }) {
  const tokens = makeTokens(source, ROTATION);
  const rows = WORKERS.flatMap((workers) =>
    [YES, MODULE].map((variant) => ({ variant, workers, rounds: [] })),
  );
  const { sharing, where, restore } = coresForWorkers();
  for (const row of rows) {
    const how = { script: 'cluster.js', workers: row.workers, sharing };
    row.server = await startServer('Fastify', row.variant, source.issuer, how);
    await measure(row.server, tokens, { seconds: WARM_UP * row.workers, expected: 200 });
  }
  for (let round = 0; round < rounds; round++) {
    for (const row of inTurn(rows, round))
      row.rounds.push(await measure(row.server, tokens, { seconds, expected: 200 }));
  }
  restore();
  for (const row of rows) row.server.stop();

  const lines = rows.map(({ variant, workers, rounds: all }) => [
    `${workers} × ${variant}`,
    spread(all.map(({ perSecond }) => perSecond)),
    spread(all.map(({ cpu }) => cpu)),
    `${Math.round(Math.min(1, Math.max(...all.map(({ busy }) => busy))) * 100)} %`,
  ]);
  const header = ['', 'requests/s', 'CPU µs/request', 'busy, at most'];
  printTable(`Fastify, warm RS256, worker processes ${where}`, header, lines);
  return {
    where,
    rows: rows.map(({ variant, workers, rounds: all }) => ({ variant, workers, rounds: all })),
  };
}
