/** A property tried for so long: round after round, each from a seed of its own, and a way back to what failed. */
import * as fc from 'fast-check';

const RUNS_A_ROUND = 25;
/** Shrinking ends here, in milliseconds: a case that could be smaller still is better than none. */
const LONGEST_ROUND = 30_000;

/**
 * @param {string} name what `--property` selects
 * @param {(signal: object) => fc.IAsyncProperty<unknown>} property
 * @param {{ seed: number, path?: string, until: number }} settings `until` by `performance.now()`; with `path`, one round; `numRuns` a round
 * @returns {Promise<string[]>} one text per failure, at most one: a wrong answer ends the campaign of this property
 */
export async function campaign(
  name,
  property,
  { seed, path, until, numRuns = RUNS_A_ROUND, rounds = Infinity },
  clock = performance.now.bind(performance),
) {
  for (
    let round = 0;
    round < (path === undefined ? rounds : 1) && (round === 0 || clock() < until);
    round++
  ) {
    const settings = {
      seed: seed + round,
      numRuns,
      interruptAfterTimeLimit: LONGEST_ROUND,
      ...(path && { path }),
    };
    const details = await fc.check(property, settings);
    if (!details.failed) continue;
    const { message = String(details.errorInstance) } = details.errorInstance ?? {};
    return [
      `${name}: ${message}\n` +
        `  smallest case: ${fc.stringify(details.counterexample).slice(0, 2000)}\n` +
        `  again: npm run prove -- --property ${name.includes(' ') ? `'${name}'` : name} --seed ${details.seed} --path ${details.counterexamplePath}`,
    ];
  }
  return [];
}
