/** What do open sockets and their messages cost? Memory of a connection, messages a second, processor time while nothing happens. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { makeTokens } from './issuer.js';
import { printTable } from './report.js';

export const UNGUARDED = 'unguarded';
export const YES = 'a guard that says yes';
export const BY_HAND = 'jose by hand';
export const MODULE = 'nestjs-resource-server';

/** All sockets have the same token: what is left is what a connection takes by itself. */
const ONE_TOKEN = `${MODULE}, one token`;
const VARIANTS = [UNGUARDED, YES, BY_HAND, MODULE, ONE_TOKEN];
/** With these, the claims are 400 bytes of JSON. */
const CLAIMS = {
  name: 'Ada Example',
  email: 'ada@example.com',
  email_verified: true,
  acr: '1',
  sid: '0f3c5d1e-6a7b-4c8d-9e0f-1a2',
};
const ALG = 'EdDSA';
const AT_ONCE = 200;
/** Messages under way on each of these. */
const TALKING = 32;
const SERVER = fileURLToPath(new URL('sockets-server.js', import.meta.url));

async function startServer(library, variant, issuer) {
  const child = fork(SERVER, [library, variant === ONE_TOKEN ? MODULE : variant, issuer], {
    execArgv: ['--expose-gc'],
  });
  const [port] = await once(child, 'message');
  const ask = async (question) => {
    child.send(question);
    const [answer] = await once(child, 'message');
    return answer;
  };
  return { port, ask, stop: () => child.kill() };
}

/** Speaks as much of socket.io as is needed: a client of its own would take more memory than this process has. */
async function open(library, port, token) {
  if (library === 'ws') {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    return socket;
  }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
  });
  await once(socket, 'message');
  socket.send(`40${JSON.stringify({ token })}`);
  const [answer] = await once(socket, 'message');
  if (!String(answer).startsWith('40')) throw new Error(`not let in: ${String(answer)}`);
  socket.on('message', (ping) => {
    if (ping instanceof Buffer && ping.length === 1 && ping[0] === 0x32) socket.send('3');
  });
  return socket;
}

async function openAll(library, port, tokens) {
  const sockets = [];
  for (let from = 0; from < tokens.length; from += AT_ONCE) {
    const some = tokens.slice(from, from + AT_ONCE).map((token) => open(library, port, token));
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

/** Each socket sends the next message when the last one is answered. */
async function countMessages(library, sockets, seconds) {
  const text = library === 'ws' ? '{"event":"things","data":1}' : '42["things",1]';
  const end = performance.now() + seconds * 1000;
  let count = 0;
  await Promise.all(
    sockets.map(
      (socket) =>
        new Promise((resolve) => {
          const onAnswer = (answer) => {
            if (!String(answer).includes('things')) return;
            count += 1;
            if (performance.now() < end) {
              socket.send(text);
              return;
            }
            socket.off('message', onAnswer);
            resolve();
          };
          socket.on('message', onAnswer);
          socket.send(text);
        }),
    ),
  );
  return count;
}

const spent = (before, after) => after.user + after.system - before.user - before.system;

/**
 * Percent of a core, of all the seconds and of the median one: the collector runs once in a while, of any server with so many
 * objects, and what expires is looked for in every second.
 */
async function measureQuiet(server, seconds) {
  const each = [];
  let before = await server.ask('cpu');
  for (let i = 0; i < seconds; i++) {
    await pause(1000);
    const after = await server.ask('cpu');
    each.push(spent(before, after) / 10_000);
    before = after;
  }
  each.sort((a, b) => a - b);
  return { mean: each.reduce((sum, one) => sum + one, 0) / seconds, median: each[seconds >> 1] };
}

async function measureVariant(library, variant, { source, seconds, count, quietSeconds }) {
  const server = await startServer(library, variant, source.issuer);
  const isShared = variant === ONE_TOKEN;
  const [first, ...others] = makeTokens(source, isShared ? 1 : count, ALG, CLAIMS);
  const tokens = isShared ? Array.from({ length: count }, () => first) : [first, ...others];
  const warm = await openAll(library, server.port, tokens.slice(0, TALKING));
  await countMessages(library, warm, 1);
  const before = await server.ask('cpu');
  const messages = await countMessages(library, warm, Math.max(seconds, 1));
  const cpu = spent(before, await server.ask('cpu')) / messages;
  const idle = await server.ask('memory');
  const sockets = await openAll(library, server.port, tokens.slice(TALKING));
  await pause(500);
  const full = await server.ask('memory');
  const quiet = await measureQuiet(server, quietSeconds);
  for (const socket of [...warm, ...sockets]) socket.terminate();
  server.stop();
  return {
    library,
    variant,
    messages: messages / Math.max(seconds, 1),
    cpu,
    heap: (full.heapUsed - idle.heapUsed) / sockets.length,
    quiet,
    token: { characters: first.length, claims: Buffer.from(first.split('.')[1], 'base64url').length },
  };
}

/** @returns {Promise<object[]>} messages a second, µs a message, bytes a connection, percent of a core with nothing to do */
export async function measureSockets({ source, seconds, full, libraries = ['ws', 'socket.io'] }) {
  const count = full ? 10_000 : 2000;
  const quietSeconds = full ? 20 : 5;
  const rows = [];
  for (const library of libraries) {
    for (const variant of VARIANTS) {
      rows.push(await measureVariant(library, variant, { source, seconds, count, quietSeconds }));
    }
    const ofLibrary = rows.filter((row) => row.library === library);
    const [base] = ofLibrary;
    printTable(
      `${library}, ${count} open sockets with a token of ${base.token.characters} characters and ${base.token.claims} bytes of ` +
        `claims, ${TALKING} of them talking, then ${quietSeconds} s with nothing to do`,
      [
        '',
        'messages/s',
        'CPU µs/message',
        'heap a socket',
        'above unguarded',
        'CPU while quiet',
        'median second',
      ],
      ofLibrary.map((row) => [
        row.variant,
        row.messages.toFixed(0),
        row.cpu.toFixed(1),
        `${row.heap.toFixed(0)} B`,
        `${(row.heap - base.heap).toFixed(0)} B`,
        `${row.quiet.mean.toFixed(2)} %`,
        `${row.quiet.median.toFixed(3)} %`,
      ]),
    );
  }
  return rows;
}
