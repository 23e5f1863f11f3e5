/**
 * Nothing that was ever a token, a key or a secret may stand in a log line or an answer: watched over the whole run.
 *
 * Tests register secrets with `keepSecret`; everything written to the console is collected, and every log line of Nest
 * where output-logger.ts is imported; after each test both are compared. Every test file loads this one: no Nest here.
 */
import { afterEach, expect } from '@jest/globals';
import { inspect } from 'node:util';

/** By how they begin: thousands are kept, and every line is looked at after every test. */
const secrets = new Map<string, Set<string>>();
const BEGINNING = 16;
let lines: string[] = [];

/** Its parts count too: a payload in a log is as bad as the token. Short ones would be found by accident. */
export function keepSecret<Secret extends string>(secret: Secret): Secret {
  for (const part of [secret, ...secret.split('.')]) {
    if (part.length < BEGINNING) continue;
    const beginning = part.slice(0, BEGINNING);
    const alike = secrets.get(beginning);
    if (alike) alike.add(part);
    else secrets.set(beginning, new Set([part]));
  }
  return secret;
}

/** What was logged since the test began. */
export function loggedLines(): readonly string[] {
  return lines;
}

export function collect(...messages: readonly unknown[]): void {
  lines.push(
    messages.map((each) => (typeof each === 'string' ? each : inspect(each, { depth: 10 }))).join(' '),
  );
}

for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) console[method] = collect;
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  stream.write = (chunk: string | Uint8Array, ...rest: never[]) => {
    lines.push(String(chunk));
    return write(chunk, ...rest);
  };
}

afterEach(() => {
  const seen = lines;
  lines = [];
  const leak = seen.find(holdsSecret);
  expect(leak && `a secret stands in the output: ${leak}`).toBeUndefined();
});

function holdsSecret(line: string): boolean {
  for (let i = 0; i + BEGINNING <= line.length; i++) {
    const alike = secrets.get(line.slice(i, i + BEGINNING));
    if (alike && [...alike].some((secret) => line.startsWith(secret, i))) return true;
  }
  return false;
}
