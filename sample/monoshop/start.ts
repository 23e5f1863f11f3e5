/**
 * What does `npm start` do? Starts the three processes, tells the story with real tokens, and stays up to be played
 * with. `--once` ends after the story: 0 when all went as written, 1 otherwise.
 */
import { ensureEnvFile } from './launch/env-file.js';
import { findTakenPorts } from './launch/ports.js';
import { Service, type ServicePlan } from './launch/service.js';
import { writeCurlLines } from './story/curl-lines.js';
import { collectTokens, writeSteps, type StoryTokens } from './story/steps.js';
import { tellStory } from './story/tell.js';
import { TokenSource } from './story/tokens.js';

const ISSUER = new URL('http://localhost:4000');
const PLANS: readonly ServicePlan[] = [
  { name: 'idp', port: 4000, readyPath: '/.well-known/openid-configuration' },
  { name: 'product-api', port: 4001, readyPath: '/status' },
  { name: 'invoice-api', port: 4002, readyPath: '/status' },
];
const once = process.argv.includes('--once');

let services: readonly Service[] = [];

let quitting: Promise<never> | undefined;

/** Only the first call counts: what fails because we are leaving must not change how we leave. */
function quit(code: number): Promise<never> {
  quitting ??= Promise.all(services.map((service) => service.stop())).then(() => process.exit(code));
  return quitting;
}

/** Prints what the processes said, for whoever has to find out why: the dead ones, or all when none has died. */
function showOutput(): void {
  const dead = services.filter(({ exited }) => exited);
  for (const { name, exited, output } of dead.length > 0 ? dead : services) {
    console.error(
      `\n--- output of ${name}${exited ? ', which has stopped' : ''}\n${output.trim() || '(none)'}`,
    );
  }
}

async function refuseTakenPorts(): Promise<void> {
  const taken = await findTakenPorts(PLANS.map(({ port }) => port));
  if (taken.length === 0) return;
  for (const { name, port } of PLANS.filter((plan) => taken.includes(plan.port))) {
    console.error(`Port ${port} is in use, and MonoShop's ${name} needs it.`);
  }
  console.error(`
Is MonoShop already running in another terminal? Stop it there with Ctrl-C. Otherwise find out who it is with
  lsof -i :${taken[0]}                   (Linux, macOS)
  netstat -ano | findstr :${taken[0]}    (Windows)
stop that program, and run npm start again.`);
  process.exit(1);
}

async function startServices(): Promise<void> {
  for (const { name } of PLANS.slice(1)) {
    if (ensureEnvFile(name)) console.log(`Made sample/monoshop/${name}/.env from .env.example.`);
  }
  services = PLANS.map((plan) => new Service(plan));
  await Promise.all(services.map((service) => service.waitUntilAnswers()));
}

async function play(): Promise<{ tokens: StoryTokens; asWritten: boolean }> {
  const tokens = await collectTokens(await TokenSource.discover(ISSUER));
  const asWritten = await tellStory(writeSteps(tokens));
  if (!asWritten) {
    showOutput();
    console.error('\nDid you change a .env in sample/monoshop? Delete it: the next start makes it anew.');
  }
  return { tokens, asWritten };
}

function stayUp(tokens: StoryTokens, exitCode: number): void {
  console.log(
    `\nMonoShop stays up until Ctrl-C. To try by hand, in another terminal:\n\n${writeCurlLines(tokens)}`,
  );
  for (const service of services) {
    service.relayOutput();
    service.onDeath(() => {
      console.error(`\n${service.name} has stopped, and so does MonoShop.`);
      void quit(1);
    });
  }
  onStopRequest(() => void quit(exitCode));
}

function onStopRequest(stop: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal);
    process.once(signal, stop);
  }
}

/**
 * npm runs us in a shell that does not pass SIGTERM on: when it is gone, nobody is left who could stop us. Only under
 * npm, because a program started with nohup is meant to outlive its parent.
 */
function watchParent(): void {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && process.emit('SIGTERM', 'SIGTERM'), 300).unref();
}

onStopRequest(() => void quit(130));
watchParent();
await refuseTakenPorts();
try {
  console.log(
    'Starting MonoShop: authorization server :4000, Product API :4001 (Express), Invoice API :4002 (Fastify)',
  );
  await startServices();
  console.log('All three answer. The story, with real tokens over real HTTP:\n');
  const { tokens, asWritten } = await play();
  if (once) await quit(asWritten ? 0 : 1);
  stayUp(tokens, asWritten ? 0 : 1);
} catch (error) {
  if (!quitting) {
    console.error(`\nMonoShop has failed: ${error instanceof Error ? error.message : String(error)}`);
    showOutput();
  }
  await quit(1);
}
