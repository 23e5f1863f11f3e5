/** How does a sample start, tell its story, stay up and stop? All of that which no sample has for itself. */
import { relative } from 'node:path';
import { ensureEnvFile, findSources, shorten } from './env-file.js';
import { findTakenPorts } from './ports.js';
import { Service, type ServicePlan } from './service.js';

export interface Sample {
  /** That of its compiled start.js: `new URL('.', import.meta.url)`. */
  readonly folder: URL;
  readonly title: string;
  /** What is being started, in one line. */
  readonly announcement: string;
  readonly services: readonly ServicePlan[];
  /** End after the story: 0 when all went as written, 1 otherwise. Else stay up to be played with. */
  readonly once: boolean;
  /** What is there to be looked at, once everything is up. */
  readonly invitation?: string;
  /** Tells the story; may read what a service has printed so far. */
  play(outputOf: (name: string) => string): Promise<Played>;
}

export interface Played {
  readonly asWritten: boolean;
  /** For a reader who wants to try by hand. */
  readonly curlLines: string;
}

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

/** What people type to start it. */
export function nameCommand(): string {
  if (process.env.npm_lifecycle_event) return 'npm start';
  return `node ${relative('', process.argv[1] ?? 'start.js')}`;
}

async function refuseTakenPorts({ title, services: plans }: Sample): Promise<void> {
  const taken = await findTakenPorts(plans.map(({ port }) => port));
  if (taken.length === 0) return;
  for (const { name, port } of plans.filter((plan) => taken.includes(plan.port))) {
    console.error(`Port ${port} is in use, and ${name} of ${title} needs it.`);
  }
  console.error(`
Is ${title} already running in another terminal? Stop it there with Ctrl-C. Otherwise find out who it is with
  lsof -i :${taken[0]}                   (Linux, macOS)
  netstat -ano | findstr :${taken[0]}    (Windows)
stop that program, and run ${nameCommand()} again.`);
  process.exit(1);
}

async function startServices({ folder, services: plans }: Sample): Promise<void> {
  for (const { name, program = name } of plans) ensureEnvFile(folder, program);
  // The authorization server is the first of them: an API that starts before it would answer 503 until its next attempt.
  const [first, ...others] = plans;
  if (!first) return;
  services = [new Service(folder, first)];
  await services[0]?.waitUntilAnswers();
  services = [...services, ...others.map((plan) => new Service(folder, plan))];
  await Promise.all(services.map((service) => service.waitUntilAnswers()));
}

function outputOf(name: string): string {
  return services.find((service) => service.name === name)?.output ?? '';
}

function stayUp({ title, invitation }: Sample, curlLines: string, exitCode: number): void {
  console.log(`\n${title} stays up until Ctrl-C. To try by hand, in another terminal:\n\n${curlLines}`);
  if (invitation) console.log(invitation);
  for (const service of services) {
    service.relayOutput();
    service.onDeath(() => {
      console.error(`\n${service.name} has stopped, and so does ${title}.`);
      void quit(1);
    });
  }
  onStopRequest(() => void quit(exitCode));
}

function onStopRequest(stop: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal);
    // Not once: a second Ctrl-C would end us before the others, and what lies on disk would stay there.
    process.on(signal, stop);
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

export async function startSample(sample: Sample): Promise<void> {
  const { folder, title, once, announcement } = sample;
  onStopRequest(() => void quit(130));
  watchParent();
  await refuseTakenPorts(sample);
  try {
    console.log(`Starting ${title}: ${announcement}`);
    await startServices(sample);
    console.log('All services respond. Example requests, with real tokens:\n');
    const { asWritten, curlLines } = await sample.play(outputOf);
    if (!asWritten) {
      showOutput();
      console.error(
        `\nDid you change a .env in ${shorten(findSources(folder))}? Delete it: the next start makes it anew.`,
      );
    }
    const exitCode = asWritten ? 0 : 1;
    if (once) await quit(exitCode);
    stayUp(sample, curlLines, exitCode);
  } catch (error) {
    if (!quitting) {
      console.error(`\n${title} has failed: ${error instanceof Error ? error.message : String(error)}`);
      showOutput();
    }
    await quit(1);
  }
}
