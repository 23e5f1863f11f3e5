/** The steps of a run, counted: "N passed, N failed". */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './commands.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let passed = 0;
let failed = 0;

/** @returns what it made, or `undefined` where it failed: the others go on */
export async function step(name, take) {
  const start = Date.now();
  try {
    const made = await take();
    passed += 1;
    console.log(`ok    ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    return made ?? true;
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n${error.message.replaceAll(/^/gm, '      ')}`);
    return undefined;
  }
}

/** @returns the tarball, as npm would publish it */
export async function pack(work) {
  await run('npm', ['pack', '--silent', '--pack-destination', work], { cwd: root });
  return join(
    work,
    readdirSync(work).find((file) => file.endsWith('.tgz')),
  );
}

/** A run without steps has shown nothing: it fails. */
export function summarize() {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}
