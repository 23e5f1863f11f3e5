/** How long does a start take? From the process to the first 200, and what the provider has to do with it. */
import { createServer } from 'node:net';
import { makeToken } from './issuer.js';
import { startServer } from './load.js';
import { median, printTable, spread } from './report.js';
import { inTurn } from './rounds.js';
import { BASE, CONFIG, MODULE, MODULE_WITH_CONFIG, YES } from './variants.js';

const HANGING = `${MODULE}, provider hangs`;
const GIVE_UP_MS = 10_000;

/** Takes connections and says nothing. */
async function startHangingProvider() {
  const server = createServer((socket) => socket.on('error', () => {}));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { issuer: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** @returns {Promise<{ listening: number, answered?: number }>} milliseconds since the process was asked for */
async function timeStart(platform, variant, { issuer, token, answers }) {
  const started = performance.now();
  const server = await startServer(platform, variant, issuer);
  const listening = performance.now() - started;
  try {
    if (!answers) return { listening };
    for (;;) {
      const response = await fetch(server.url, { headers: { authorization: `Bearer ${token}` } });
      await response.arrayBuffer();
      const answered = performance.now() - started;
      if (response.status === 200) return { listening, answered };
      if (answered > GIVE_UP_MS) throw new Error(`bench: ${variant} answers ${response.status}`);
    }
  } finally {
    server.stop();
  }
}

/** @returns {Promise<{ platform: string, rows: { name: string, rounds: object[] }[] }[]>} */
export async function measureStart({ source, rounds, platforms }) {
  const hanging = await startHangingProvider();
  const token = makeToken(source);
  const good = { issuer: source.issuer, token, answers: true };
  const results = [];
  for (const platform of platforms) {
    const variants = [BASE, YES, CONFIG, MODULE, MODULE_WITH_CONFIG];
    const rows = variants.map((name) => ({ name, variant: name, how: good, rounds: [] }));
    const silent = { issuer: hanging.issuer, answers: false };
    rows.push({ name: HANGING, variant: MODULE, how: silent, rounds: [] });
    // Round -1 reads the files into the system's cache.
    for (let round = -1; round < rounds; round++) {
      for (const row of inTurn(rows, round + 1)) {
        const time = await timeStart(platform, row.variant, row.how);
        if (round >= 0) row.rounds.push(time);
      }
    }
    print(platform, rows);
    results.push({ platform, rows: rows.map(({ name, rounds: all }) => ({ name, rounds: all })) });
  }
  hanging.close();
  return results;
}

function print(platform, rows) {
  const base = rows[0].rounds;
  const lines = rows.map(({ name, rounds }) => {
    const more = rounds.map(({ listening }, round) => listening - base[round].listening);
    const isAnswered = rounds.every(({ answered }) => answered !== undefined);
    return [
      name,
      spread(rounds.map(({ listening }) => listening)),
      median(more).toFixed(0),
      isAnswered ? median(rounds.map(({ answered, listening }) => answered - listening)).toFixed(0) : '–',
      isAnswered ? spread(rounds.map(({ answered }) => answered)) : '–',
    ];
  });
  printTable(
    `${platform}, start, ms`,
    ['', 'until it listens', 'more than unguarded', 'first request', 'until the first 200'],
    lines,
  );
}
