/** A GraphQL operation with one root field, with ten, and with a guarded field of ten objects: known tokens, on Apollo and Mercurius. */
import { makeTokens } from './issuer.js';
import { measure, startServer } from './load.js';
import { multiplesOf, printTable, spread } from './report.js';
import { inTurn } from './rounds.js';
import { MODULE, YES } from './variants.js';

const ROTATION = 500;
const WARM_UP = 1;
const CONTENDERS = [YES, 'jose by hand', MODULE];

const DRIVERS = { Express: ['Apollo'], Fastify: ['Apollo', 'Mercurius'] };

const aliases = Array.from({ length: 10 }, (_, i) => `a${i}: name`).join(' ');
const OPERATIONS = {
  'one root field': '{ name }',
  'ten root fields': `{ ${aliases} }`,
  'ten fields with enhancers': '{ things { label } }',
};

function requestsFor(tokens, query) {
  const body = JSON.stringify({ query });
  return tokens.map((token) => ({
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body,
  }));
}

async function checkAnswer({ url }, request) {
  const { errors } = await (await fetch(url, request)).json();
  if (errors) throw new Error(`bench: ${url} answered ${JSON.stringify(errors[0])}`);
}

export async function measureGraphQL({ source, rounds, seconds, platforms }) {
  const tokens = makeTokens(source, ROTATION);
  const rows = [];
  for (const [platform, driver] of platforms.flatMap((each) => DRIVERS[each].map((name) => [each, name]))) {
    const servers = new Map();
    const how = { script: 'graphql-server.js', options: { driver } };
    for (const variant of CONTENDERS) {
      const server = await startServer(platform, variant, source.issuer, how);
      servers.set(variant, server);
      for (const query of Object.values(OPERATIONS)) {
        const requests = requestsFor(tokens, query);
        await checkAnswer(server, requests[0]);
        await measure(server, requests, { seconds: WARM_UP, expected: 200 });
      }
    }
    for (const [operation, query] of Object.entries(OPERATIONS)) {
      const requests = requestsFor(tokens, query);
      const found = CONTENDERS.map((variant) => ({ platform, driver, operation, variant, rounds: [] }));
      for (let round = 0; round < rounds; round++) {
        for (const row of inTurn(found, round))
          row.rounds.push(await measure(servers.get(row.variant), requests, { seconds, expected: 200 }));
      }
      printOperation(`${driver} on ${platform}, ${operation}`, found);
      rows.push(...found);
    }
    for (const server of servers.values()) server.stop();
  }
  return rows;
}

const HEADER = ['', 'requests/s', 'p50 ms', 'CPU µs/request', `CPU beside ${YES}`];

function printOperation(title, rows) {
  const lines = rows.map(({ variant, rounds }) => [
    variant,
    spread(rounds.map(({ perSecond }) => perSecond)),
    spread(
      rounds.map(({ p50 }) => p50),
      2,
    ),
    spread(rounds.map(({ cpu }) => cpu)),
    spread(multiplesOf(rounds, rows[0].rounds), 2),
  ]);
  printTable(title, HEADER, lines);
}
