/** Does the operator learn that somebody tried? Once, however often it is tried. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CLAIMS_PAST_THE_PROXY } from './steps.js';

const WARNING = 'came from a peer that is not among trustedProxies';
const POLL_EVERY_MS = 50;
const ARRIVES_WITHIN_MS = 2000;

/** Prints what the API said of it; true if that is one line. What it prints may come after what it answers. */
export async function showWarning(readOutput: () => string): Promise<boolean> {
  const find = (): string[] =>
    readOutput()
      .split('\n')
      .filter((line) => line.includes(WARNING));
  const deadline = Date.now() + ARRIVES_WITHIN_MS;
  while (find().length === 0 && Date.now() < deadline) await sleep(POLL_EVERY_MS);
  const lines = find();
  const times = lines.length === 1 ? 'once' : `${lines.length} times`;
  console.log(
    `\n${CLAIMS_PAST_THE_PROXY} claims past the proxy, and the API that got them has logged it ${times}:`,
  );
  for (const line of lines) console.log(`    ${line.trim()}`);
  return lines.length === 1;
}
