/** How does one of a sample's processes start, prove that it answers, and stop? */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fetchOver } from '../tls/fetch-over.js';
import { cleanEnvironment, findSources } from './env-file.js';

const POLL_EVERY_MS = 50;
const ANSWER_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 2_000;
/** Enough to see why a process died; the rest of a chatty one is dropped. */
const KEPT_OUTPUT = 20_000;

export interface ServicePlan {
  /** How it is called; its folder, too, unless `program` says otherwise. */
  readonly name: string;
  readonly program?: string;
  /** The file to run, where it is not the `main.js` of that folder. */
  readonly main?: URL;
  /** It is told so by the variable `PORT`. */
  readonly port: number;
  /** A path that answers 200 without a token. */
  readonly readyPath: string;
  /** The authority of its certificate, in PEM, where it speaks https. */
  readonly ca?: string;
  /** Variables of its own; they win over its `.env`. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class Service {
  readonly #plan: ServicePlan;
  readonly #child: ChildProcess;
  #output = '';
  #relaying = false;
  #stopping = false;

  /** @param sample the folder of its compiled start.js */
  constructor(sample: URL, plan: ServicePlan) {
    this.#plan = plan;
    const main = plan.main ?? new URL(`${plan.program ?? plan.name}/main.js`, sample);
    const folder = new URL('.', main);
    // Where its `.env` and other files are.
    const sources = findSources(folder);
    this.#child = fork(fileURLToPath(main), [], {
      cwd: fileURLToPath(existsSync(sources) ? sources : folder),
      env: { ...cleanEnvironment(), PORT: String(plan.port), ...plan.environment },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#take(text));
    }
  }

  get name(): string {
    return this.#plan.name;
  }

  /** The last of what it has printed. */
  get output(): string {
    return this.#output;
  }

  get exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Resolves when it answers a request; rejects when it dies first, or takes too long. */
  async waitUntilAnswers(): Promise<void> {
    const { ca, port, readyPath } = this.#plan;
    const url = `${ca ? 'https' : 'http'}://localhost:${port}${readyPath}`;
    const ask = ca ? fetchOver({ ca }) : fetch;
    const deadline = Date.now() + ANSWER_WITHIN_MS;
    while (Date.now() < deadline) {
      const answered = await ask(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).then(
        ({ ok }) => ok,
        () => false,
      );
      // Asked after the answer: when the process is gone, whoever answered is not ours.
      if (this.exited) throw new Error(`${this.name} stopped while starting`);
      if (answered) return;
      await sleep(POLL_EVERY_MS);
    }
    throw new Error(`${this.name} did not answer at ${url} within ${ANSWER_WITHIN_MS / 1000} s`);
  }

  /** Shows what it prints from now on, line by line under its name. */
  relayOutput(): void {
    this.#relaying = true;
  }

  /** Calls back when it ends without having been told to. */
  onDeath(callback: () => void): void {
    this.#child.once('exit', (_code, signal) => {
      // Ctrl-C in a terminal reaches all processes at once: a child that obeys first has not died.
      if (!this.#stopping && signal !== 'SIGINT') callback();
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.exited) return;
    const exited = once(this.#child, 'exit');
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    this.#child.kill('SIGTERM');
    await exited;
    clearTimeout(insist);
  }

  #take(text: string): void {
    this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    if (!this.#relaying) return;
    for (const line of text.trimEnd().split('\n')) console.log(`${this.name} | ${line}`);
  }
}
