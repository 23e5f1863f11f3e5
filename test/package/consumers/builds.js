/**
 * Does the packed tarball work where bundlers, package managers and runtimes change how it is loaded? Each application
 * starts, on Express and on Fastify, and is asked without a token, with a forged one, with a good one, and with one that
 * lacks a scope.
 *
 *     node test/package/consumers/builds.js                  all of them
 *     node test/package/consumers/builds.js --sample         those that .ci/run tries
 *     node test/package/consumers/builds.js --only esbuild   those whose name has this in it: also pnpm, yarn, Bun, Deno, frozen
 *     node test/package/consumers/builds.js --keep           leaves the folder, and says where it is
 *
 * Needs a registry for what consumers install. Ends with "N passed, N failed".
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleAndCall, chooseBundles, installBundlers, nameOfBundle } from './bundles.js';
import { chooseFreezes, freezeAndCall } from './freezing.js';
import { startIssuer } from './issuer.js';
import { chooseManagers, installAndCall } from './package-managers.js';
import { callOn, chooseRuntimes, compileForRuntimes, installRuntime, KIND } from './runtimes.js';
import { pack, step, summarize } from './steps.js';

const { values: options } = parseArgs({
  options: { sample: { type: 'boolean' }, only: { type: 'string' }, keep: { type: 'boolean' } },
});
const work = mkdtempSync(join(tmpdir(), 'builds-'));

async function buildAll(tarball, issuer) {
  const bundles = chooseBundles(options);
  const runtimes = chooseRuntimes(options);
  const freezes = chooseFreezes(options);
  const ofOneKind = runtimes.length + freezes.length > 0 ? [KIND] : [];
  const kinds = new Set([...bundles.map(({ kind }) => kind), ...ofOneKind]);
  for (const kind of kinds) {
    const folder = await step(`${kind}: install`, () => installBundlers(kind, tarball, work));
    if (!folder) continue;
    for (const bundle of bundles.filter((each) => each.kind === kind))
      await step(nameOfBundle(bundle), () => bundleAndCall(bundle, folder, issuer.environment));
    if (ofOneKind.includes(kind)) await runAll(runtimes, freezes, folder, issuer);
  }
  for (const manager of chooseManagers(options))
    await step(manager, () => installAndCall(manager, tarball, work, issuer.environment));
}

async function runAll(runtimes, freezes, folder, issuer) {
  if (!(await step('runtimes: compile', () => compileForRuntimes(folder)))) return;
  for (const runtime of runtimes) {
    const program = await step(`${runtime}: install`, () => installRuntime(runtime, work));
    if (program) await step(runtime, () => callOn(runtime, program, folder, issuer));
  }
  for (const freeze of freezes) await step(freeze, () => freezeAndCall(freeze, folder));
}

try {
  const tarball = await step('pack', () => pack(work));
  const issuer = await startIssuer();
  try {
    if (tarball) await buildAll(tarball, issuer);
  } finally {
    issuer.close();
  }
} finally {
  if (options.keep) console.log(`left in ${work}`);
  else rmSync(work, { recursive: true, force: true });
}
summarize();
