/** The application in a process of its own, so that its memory, its handles and its faults are its own. */
import { startApp } from './app.js';

const [platform, options] = process.argv.slice(2);

for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error) => process.send?.({ fault: `${event}: ${error?.stack ?? error}` }));

const app = await startApp(platform, JSON.parse(options));
const orders = { measure, close };
process.on('message', (order) => void orders[order]());
process.send({ port: app.port });

async function measure() {
  // Twice, with a turn of the loop between: what finalizers let go of is garbage only then.
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { rss, heapUsed } = process.memoryUsage();
  const sockets = await new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)));
  const { user, system } = process.cpuUsage();
  process.send({ rss, heapUsed, sockets, cpu: user + system, handles: handlesNow() });
}

/** What could keep the process alive; turns of the loop that are due at this moment are not it. */
function handlesNow() {
  return process.getActiveResourcesInfo().filter((each) => each !== 'Immediate');
}

/** From here on nothing may keep this process alive. */
async function close() {
  await app.close();
  process.removeAllListeners('message');
  process.disconnect();
}
