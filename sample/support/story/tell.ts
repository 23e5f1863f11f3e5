/** Does it all go as written? Sends each step's request, compares, and prints the table. */
import type { Step } from './step.js';

interface Outcome {
  readonly step: Step;
  readonly status: number;
  /** `WWW-Authenticate` of a refusal, the body of anything else. */
  readonly said: string;
  /** How many times the authorization server was asked meanwhile, where that is counted. */
  readonly asked: number | undefined;
  readonly asExpected: boolean;
}

/** How many times the authorization server has been asked about tokens since it started. */
export type CountQuestions = () => Promise<number>;

const DATA_WIDTH = 60;
const GAP = '  ';

async function send({ method, url, authorization, body }: Step): Promise<Response> {
  const headers = new Headers();
  if (authorization) headers.set('authorization', authorization);
  if (!body) return fetch(url, { method, headers });
  if (body instanceof URLSearchParams) return fetch(url, { method, headers, body });
  headers.set('content-type', 'application/json');
  return fetch(url, { method, headers, body: JSON.stringify(body) });
}

async function takeStep(step: Step, countQuestions?: CountQuestions): Promise<Outcome> {
  const before = await countQuestions?.();
  const response = await (step.send ?? (() => send(step)))();
  const body = await response.text();
  const after = await countQuestions?.();
  const asked = after === undefined ? undefined : after - (before ?? 0);
  const said = readRefusal(response) ?? body;
  const asExpected =
    response.status === step.expected &&
    step.says.test(said) &&
    (step.asks === undefined || asked === step.asks);
  return { step, status: response.status, said, asked, asExpected };
}

/** The challenges, and the nonce that comes with one (RFC 9449 section 9). */
function readRefusal({ headers }: Response): string | undefined {
  const challenges = headers.get('www-authenticate');
  if (challenges === null) return undefined;
  const nonce = headers.get('dpop-nonce');
  return nonce === null ? challenges : `${challenges}; DPoP-Nonce: ${nonce}`;
}

/** Challenges stay whole, but for the long list of algorithms. */
function shorten(text: string): string {
  if (/^(Bearer|DPoP)/.test(text)) return text.replace(/algs="(\S+) [^"]*"/g, 'algs="$1 …"');
  return text.length <= DATA_WIDTH ? text : `${text.slice(0, DATA_WIDTH - 1)}…`;
}

function describe({ step, status, said, asked, asExpected }: Outcome): string[] {
  return [
    asExpected ? 'ok' : 'NO',
    step.story,
    `${step.method} ${step.url.replace(/^https?:\/\//, '')}`,
    String(step.expected),
    String(status),
    ...(asked === undefined ? [] : [String(asked)]),
    shorten(said),
  ];
}

/** Columns side by side; on a narrow terminal the last one, which is the long one, goes to a line of its own. */
export function formatTable(rows: readonly string[][], columns = Infinity): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const fits = widths.reduce((sum, width) => sum + width + GAP.length, 0) <= columns;
  return rows.map((row) => {
    const padded = row.map((cell, index) => cell.padEnd(widths[index] ?? 0));
    const last = row.at(-1) ?? '';
    const line = [...padded.slice(0, -1), fits ? last : ''].join(GAP).trimEnd();
    return fits || last === '' ? line : `${line}\n${' '.repeat(4)}${last}`;
  });
}

function printTable(outcomes: readonly Outcome[], isCounted: boolean): void {
  const headings = ['', 'caller', 'request', 'expected', 'got', ...(isCounted ? ['idp asked'] : [])];
  const rows = [[...headings, 'WWW-Authenticate, or the data'], ...outcomes.map(describe)];
  const [heading = '', ...lines] = formatTable(rows, process.stdout.columns);
  console.log(heading);
  for (const [index, { step }] of outcomes.entries()) {
    if (step.chapter) console.log(`\n    ${step.chapter}`);
    console.log(lines[index]);
  }
}

/** True when every step went as written. One after the other: later ones see what earlier ones changed. */
export async function tellStory(steps: readonly Step[], countQuestions?: CountQuestions): Promise<boolean> {
  const outcomes: Outcome[] = [];
  for (const step of steps) outcomes.push(await takeStep(step, countQuestions));

  printTable(outcomes, countQuestions !== undefined);

  const surprises = outcomes.filter(({ asExpected }) => !asExpected);
  for (const { step, status, said, asked } of surprises) {
    const { story, expected, says, asks } = step;
    const questions = asks === undefined ? '' : `, the idp to be asked ${asks} times and it was ${asked}`;
    console.log(`\nNO: ${story}: expected ${expected} with ${says}${questions}, got ${status}: ${said}`);
  }
  console.log(`\n${outcomes.length - surprises.length} of ${outcomes.length} as expected.`);
  return surprises.length === 0;
}
