/** The other end of app-process.js: starts it, asks it for its figures, and sees it end by itself. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('app-process.js', import.meta.url));
const LONGEST_EXIT = 5000;
const children = new Set();

process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

export async function startAppChild(platform, options) {
  const child = fork(PROGRAM, [platform, JSON.stringify(options)], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  children.add(child);
  const faults = [];
  child.on('message', ({ fault }) => fault && faults.push(fault));
  child.on('exit', (code) => {
    children.delete(child);
    if (code !== 0) faults.push(`the application's process ended with ${code}`);
  });
  const { port } = await nextMessage(child, 'port');
  return {
    platform,
    port,
    /** Unhandled rejections, uncaught exceptions, an end that nobody asked for. */
    faults,
    async measure() {
      const figures = nextMessage(child, 'rss');
      child.send('measure');
      return figures;
    },
    /** Whether the process ended by itself once the application was closed. */
    async close() {
      if (child.exitCode !== null) return false;
      const ended = once(child, 'exit', { signal: AbortSignal.timeout(LONGEST_EXIT) });
      child.send('close');
      return ended.then(
        ([code]) => code === 0,
        () => {
          child.kill('SIGKILL');
          return false;
        },
      );
    },
  };
}

function nextMessage(child, member) {
  return new Promise((resolve, reject) => {
    const onExit = (code) => reject(new Error(`the application ended with ${code}`));
    const onMessage = (message) => {
      if (!(member in message)) return;
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(message);
    };
    child.on('message', onMessage);
    child.once('exit', onExit);
  });
}
