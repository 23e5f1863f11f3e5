/**
 * How late are answers at a given rate? Requests leave when they are due, whether or not others are still waiting.
 *
 * autocannon's `overallRate` sends each second's share as fast as it can and rests for what is left of the second: that
 * would be the latency at full load again.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const CONNECTIONS = 64;
/** Of a run that counts, this much of its beginning does not: connections are opened. */
const LEAD_IN_MS = 200;
const LONGEST_WAIT_MS = 10_000;
const HEAD_END = '\r\n\r\n';

/** One request at a time on each connection; `onStatus` once the answer is there in full. */
async function openConnection({ hostname, port }, onIdle) {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  let text = '';
  let waiting;
  const connection = {
    send: (request, onStatus) => {
      waiting = onStatus;
      socket.write(request);
    },
    close: () => socket.destroy(),
  };
  socket.setEncoding('latin1');
  socket.on('error', () => {});
  socket.on('close', () => waiting?.('closed'));
  socket.on('data', (chunk) => {
    text += chunk;
    const end = text.indexOf(HEAD_END);
    if (end === -1) return;
    const length = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1];
    if (length === undefined) throw new Error('bench: an answer without content-length');
    if (text.length < end + HEAD_END.length + Number(length)) return;
    const [settle, status] = [waiting, text.slice(9, 12)];
    [text, waiting] = ['', undefined];
    settle(status);
    onIdle(connection);
  });
  return connection;
}

/**
 * @param {import('./load.js').Server} server
 * @param {string[]} tokens sent in rotation
 * @param {{ rate: number, seconds: number, expected?: number }} settings rate: requests a second
 * @returns {Promise<{ sent: number, perSecond: number, p50: number, p99: number, p999: number, max: number, cpu: number }>}
 *   latencies in milliseconds, from the tick (of a millisecond) in which a request was due, with the wait for a free
 *   connection; perSecond says whether the rate was held; cpu as in load.js
 */
export async function pace(server, tokens, { rate, seconds, expected = 200 }) {
  const url = new URL(server.url);
  const requests = tokens.map((token) =>
    Buffer.from(
      `GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer ${token}\r\n\r\n`,
    ),
  );
  const idle = [];
  const queue = [];
  const takeOn = (connection) => {
    const next = queue.shift();
    if (next) next(connection);
    else idle.push(connection);
  };
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => openConnection(url, takeOn)),
  );
  idle.push(...connections);

  const latencies = [];
  const wrong = {};
  const count = { sent: 0, answered: 0 };
  const sendNext = (counts) => {
    const request = requests[count.sent++ % requests.length];
    const due = performance.now();
    const start = (connection) =>
      connection.send(request, (status) => {
        count.answered++;
        if (status !== String(expected)) wrong[status] = (wrong[status] ?? 0) + 1;
        else if (counts) latencies.push(performance.now() - due);
      });
    const connection = idle.pop();
    if (connection) start(connection);
    else queue.push(start);
  };

  const started = performance.now();
  const lasts = LEAD_IN_MS + seconds * 1000;
  let before;
  let sentBefore = 0;
  for (let now = 0; now < lasts; now = performance.now() - started) {
    const counts = now >= LEAD_IN_MS;
    if (counts && !before) [before, sentBefore] = [server.ask('usage'), count.sent];
    const due = Math.floor((now / 1000) * rate);
    while (count.sent < due) sendNext(counts);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const took = performance.now() - started - LEAD_IN_MS;
  const after = server.ask('usage');
  const giveUp = performance.now() + LONGEST_WAIT_MS;
  while (count.answered < count.sent && performance.now() < giveUp)
    await new Promise((resolve) => setTimeout(resolve, 1));
  for (const connection of connections) connection.close();
  if (Object.keys(wrong).length > 0 || count.answered < count.sent || latencies.length === 0)
    throw new Error(
      `bench: ${server.url}: ${JSON.stringify(wrong)}, ${count.sent - count.answered} without an answer`,
    );

  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.floor((latencies.length - 1) * share)];
  const counted = count.sent - sentBefore;
  return {
    sent: counted,
    perSecond: (counted / took) * 1000,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    cpu: ((await after).cpu - (await before).cpu) / counted,
  };
}
