/** A GraphQL operation with one root field, with ten, and with a guarded field of ten objects: known tokens, on Apollo and Mercurius. */
import { makeTokens } from './issuer.js';
import { measure, startServer } from './load.js';
import { multiplesOf, printTable, spread } from './report.js';
import { inTurn } from './rounds.js';
import { MAP, MODULE, YES } from './variants.js';

const ROTATION = 500;
const WARM_UP = 1;
/** Mercurius is a plugin of Fastify. */
const SERVERS = { Express: ['Apollo'], Fastify: ['Apollo', 'Mercurius'] };
/** Many requests at the same time, which the module takes together, and one after the other. */
const CONNECTIONS = [32, 1];
const CONTENDERS = [YES, MAP, 'jose by hand', MODULE];

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
  const places = platforms.flatMap((platform) => SERVERS[platform].map((graphql) => ({ platform, graphql })));
  for (const place of places) {
    const { platform, graphql } = place;
    const servers = new Map();
    for (const variant of CONTENDERS) {
      const how = { script: 'graphql-server.js', options: { graphql } };
      const server = await startServer(platform, variant, source.issuer, how);
      servers.set(variant, server);
      for (const query of Object.values(OPERATIONS)) {
        const requests = requestsFor(tokens, query);
        await checkAnswer(server, requests[0]);
        await measure(server, requests, { seconds: WARM_UP, expected: 200 });
      }
    }
    const works = Object.entries(OPERATIONS).flatMap(([operation, query]) =>
      CONNECTIONS.map((connections) => ({ operation, query, connections })),
    );
    for (const { operation, query, connections } of works) {
      const requests = requestsFor(tokens, query);
      const found = CONTENDERS.map((variant) => ({ ...place, operation, connections, variant, rounds: [] }));
      for (let round = 0; round < rounds; round++) {
        for (const row of inTurn(found, round)) {
          const server = servers.get(row.variant);
          row.rounds.push(await measure(server, requests, { seconds, expected: 200, connections }));
        }
      }
      printOperation(`${graphql} on ${platform}, ${operation}, connections: ${connections}`, found);
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
