/** Messages a second over NATS and gRPC, with the clients of the transports: one process sends, another handles. */
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { connect, headers } from '@nats-io/transport-node';
import { makeTokens } from './issuer.js';
import { MODULE, YES } from './variants.js';

const IN_FLIGHT = 32;
const TOKENS = 500;
const VARIANTS = [YES, MODULE];
const TRANSPORTS = {
  gRPC: { address: async () => `127.0.0.1:${await freePort()}`, open: openGrpc },
  NATS: { address: async () => process.env.NATS_URL, open: openNats },
};

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function openGrpc(address) {
  const { things } = grpc.loadPackageDefinition(
    loadSync(fileURLToPath(new URL('things.proto', import.meta.url))),
  );
  const client = new things.Things(address, grpc.credentials.createInsecure());
  const send = (token) =>
    new Promise((resolve, reject) => {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', `Bearer ${token}`);
      client.read({ text: 'x' }, metadata, (error) => (error ? reject(error) : resolve()));
    });
  return { send, close: () => client.close() };
}

async function openNats(address, variant) {
  const client = await connect({ servers: [address] });
  // Subjects have no spaces.
  const subject = `bench.${variant.replaceAll(' ', '-')}`;
  const body = JSON.stringify({ pattern: subject, data: { text: 'x' }, id: '1' });
  const send = async (token) => {
    const lines = headers();
    lines.set('authorization', `Bearer ${token}`);
    const reply = await client.request(subject, body, { headers: lines, timeout: 10_000 });
    if (reply.json().err) throw new Error(JSON.stringify(reply.json().err));
  };
  return { send, close: () => client.close() };
}

/** @returns messages a second */
async function sendFor(seconds, send, tokens) {
  const end = performance.now() + seconds * 1000;
  let sent = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (performance.now() < end) await send(tokens[sent++ % tokens.length]);
    }),
  );
  return (sent / (performance.now() - started)) * 1000;
}

async function start(transport, variant, issuer) {
  const address = await TRANSPORTS[transport].address();
  const server = fork(new URL('messages-server.js', import.meta.url), [transport, variant, issuer, address]);
  await new Promise((resolve, reject) => {
    server.once('message', resolve);
    server.once('exit', (code) => reject(new Error(`messages-server ended with ${code}`)));
  });
  const client = await TRANSPORTS[transport].open(address, variant);
  return { ...client, stop: () => server.kill() };
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Variants in turns, so that what the machine does besides falls on both. */
export async function measureMessages({ source, rounds, seconds }) {
  const tokens = makeTokens(source, TOKENS, 'RS256');
  const rows = [];
  for (const transport of Object.keys(TRANSPORTS)) {
    if (transport === 'NATS' && !process.env.NATS_URL) {
      console.log('messages over NATS are left out: NATS_URL names no broker');
      continue;
    }
    const servers = [];
    for (const variant of VARIANTS) servers.push(await start(transport, variant, source.issuer));
    const results = servers.map(() => []);
    for (const { send } of servers) await sendFor(1, send, tokens);
    for (let round = 0; round < rounds; round++) {
      for (const [index, { send }] of servers.entries())
        results[index].push(await sendFor(Math.max(seconds, 1), send, tokens));
    }
    for (const { close, stop } of servers) {
      await close();
      stop();
    }
    const base = median(results[0]);
    for (const [index, variant] of VARIANTS.entries()) {
      const perSecond = Math.round(median(results[index]));
      const ratio = Number((perSecond / base).toFixed(2));
      rows.push({ transport, variant, perSecond, ratio });
      console.log(
        `${transport.padEnd(6)} ${variant.padEnd(28)} ${perSecond} messages/s, ${ratio.toFixed(2)}x`,
      );
    }
  }
  return rows;
}
