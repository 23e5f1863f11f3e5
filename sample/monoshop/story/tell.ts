/** Does it all go as written? Sends each step's request, compares, and prints the table. */
import type { Step } from './steps.js';

interface Outcome {
  readonly step: Step;
  readonly status: number;
  /** `WWW-Authenticate` of a refusal, the body of anything else. */
  readonly said: string;
  readonly asExpected: boolean;
}

const HEADINGS = ['', 'who comes', 'request', 'expected', 'got', 'WWW-Authenticate, or the data'];
const DATA_WIDTH = 60;
const GAP = '  ';

async function takeStep(step: Step): Promise<Outcome> {
  const headers = new Headers();
  if (step.token) headers.set('authorization', `Bearer ${step.token}`);
  if (step.body) headers.set('content-type', 'application/json');
  const response = await fetch(step.url, {
    method: step.method,
    headers,
    ...(step.body ? { body: JSON.stringify(step.body) } : {}),
  });
  const body = await response.text();
  const said = response.headers.get('www-authenticate') ?? body;
  const asExpected = response.status === step.expected && step.says.test(said);
  return { step, status: response.status, said, asExpected };
}

function shorten(text: string): string {
  return text.startsWith('Bearer') || text.length <= DATA_WIDTH ? text : `${text.slice(0, DATA_WIDTH - 1)}…`;
}

function describe({ step, status, said, asExpected }: Outcome): string[] {
  return [
    asExpected ? 'ok' : 'NO',
    step.story,
    `${step.method} ${step.url.replace('http://', '')}`,
    String(step.expected),
    String(status),
    shorten(said),
  ];
}

/** Columns side by side; on a narrow terminal the last one, which is the long one, goes to a line of its own. */
export function formatTable(rows: readonly string[][], columns = Infinity): string {
  const widths = HEADINGS.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const fits = widths.reduce((sum, width) => sum + width + GAP.length, 0) <= columns;
  return rows
    .map((row) => {
      const padded = row.map((cell, index) => cell.padEnd(widths[index] ?? 0));
      const last = row.at(-1) ?? '';
      const line = [...padded.slice(0, -1), fits ? last : ''].join(GAP).trimEnd();
      return fits || last === '' ? line : `${line}\n${' '.repeat(4)}${last}`;
    })
    .join('\n');
}

/** True when every step went as written. One after the other: later ones see what earlier ones changed. */
export async function tellStory(steps: readonly Step[]): Promise<boolean> {
  const outcomes: Outcome[] = [];
  for (const step of steps) outcomes.push(await takeStep(step));

  console.log(formatTable([HEADINGS, ...outcomes.map(describe)], process.stdout.columns));

  const surprises = outcomes.filter(({ asExpected }) => !asExpected);
  for (const { step, status, said } of surprises) {
    console.log(`\nNO: ${step.story}: expected ${step.expected} with ${step.says}, got ${status}: ${said}`);
  }
  console.log(`\n${outcomes.length - surprises.length} of ${outcomes.length} as expected.`);
  return surprises.length === 0;
}
