/** What does a request cost that is alone? One connection, one request after the other, tokens that are known. */
import { makeTokens } from './issuer.js';
import { measure, startServer } from './load.js';
import { median, printTable, spread } from './report.js';
import { inTurn } from './rounds.js';
import { BASE, MAP, MODULE, YES } from './variants.js';

const TOKENS = 100;
/** One connection makes fewer requests a second: p50 takes some. */
const LEAST_SECONDS = 1;

/** @param {import('./sections.js').Context} context */
export async function measureOneConnection({ source, platforms, rounds, seconds }) {
  const tokens = makeTokens(source, TOKENS, 'RS256');
  const how = { expected: 200, connections: 1, seconds: Math.max(seconds, LEAST_SECONDS) };
  const results = [];
  for (const platform of platforms) {
    const rows = [];
    for (const name of [BASE, YES, MAP, MODULE]) {
      const server = await startServer(platform, name, source.issuer);
      await measure(server, tokens, { ...how, seconds: 2 });
      rows.push({ name, server, rounds: [] });
    }
    for (let round = 0; round < rounds; round++) {
      for (const row of inTurn(rows, round)) row.rounds.push(await measure(row.server, tokens, how));
    }
    for (const { server } of rows) server.stop();
    print(platform, rows);
    results.push({ platform, rows: rows.map(({ name, rounds: all }) => ({ name, rounds: all })) });
  }
  return results;
}

function print(platform, rows) {
  const base = rows[0].rounds;
  const lines = rows.map(({ name, rounds }) => [
    name,
    spread(
      rounds.map(({ p50 }) => p50 * 1000),
      0,
    ),
    median(rounds.map(({ p50 }, round) => p50 / base[round].p50)).toFixed(2),
    spread(
      rounds.map(({ cpu }) => cpu),
      1,
    ),
    median(rounds.map(({ cpu }, round) => cpu - base[round].cpu)).toFixed(1),
  ]);
  const header = ['', 'p50 µs', '× unguarded', 'CPU µs/request', 'more than unguarded'];
  printTable(`${platform}, one connection, known tokens`, header, lines);
}
