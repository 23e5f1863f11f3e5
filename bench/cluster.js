/** The same server in several processes on one port: `cluster.js <platform> <variant> <issuer> <options> <workers>`. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const [workers, args] = [Number(process.argv.at(-1)), process.argv.slice(2, -1)];

process.on('disconnect', () => process.exit());
cluster.setupPrimary({ exec: fileURLToPath(new URL('server.js', import.meta.url)), args });

const all = Array.from({ length: workers }, () => cluster.fork());
for (const worker of all) worker.on('exit', () => process.exit(1));
const [[{ url }]] = await Promise.all(all.map((worker) => once(worker, 'message')));

async function ask(worker, question) {
  const [answer] = await Promise.all([once(worker, 'message'), worker.send(question)]);
  return answer[0];
}

/** Processor time and memory of all; the loop's times as of one. */
process.on('message', async (question) => {
  const answers = await Promise.all(all.map((worker) => ask(worker, question)));
  const sum = (name) => answers.reduce((total, answer) => total + answer[name], 0);
  process.send({
    cpu: sum('cpu'),
    active: sum('active') / workers,
    idle: sum('idle') / workers,
    rss: sum('rss'),
    heapUsed: sum('heapUsed'),
  });
});
process.send({ url });
