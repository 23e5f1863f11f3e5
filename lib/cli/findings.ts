/** Prints findings as text, with a second line for what to change, or as JSON. */

export interface Finding {
  /** `-`: could not be checked. */
  readonly status: 'ok' | 'warn' | 'FAIL' | '-';
  readonly check: string;
  readonly found: string;
  readonly change?: string;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
}

export interface Explanation extends Diagnosis {
  /** `unknown`: the provider was not available, or this API is misconfigured. */
  readonly verdict: 'accepted' | 'refused' | 'unknown';
  readonly why: string;
}

interface Form {
  readonly json: boolean;
}

export function printDiagnosis(diagnosis: Diagnosis, { json }: Form): string {
  const { findings } = diagnosis;
  const count = (status: Finding['status']): number =>
    findings.filter((each) => each.status === status).length;
  const [wrong, warnings, right, open] = [count('FAIL'), count('warn'), count('ok'), count('-')];
  if (json) return toJson({ command: 'doctor', wrong, warnings, right, notChecked: open, findings });
  const summary = [
    wrong > 0 ? `${wrong} failed` : 'no failures',
    warnings > 0 && `${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`,
    `${right} passed`,
    open > 0 && `${open} not checked`,
  ];
  return `${print(findings)}\n${summary.filter(Boolean).join(', ')}\n`;
}

export function printExplanation(explanation: Explanation, { json }: Form): string {
  const { findings, verdict, why } = explanation;
  if (json) return toJson({ command: 'explain', verdict, why, findings });
  const says = { accepted: 'accepted', refused: 'rejected', unknown: 'cannot be determined now' }[verdict];
  return `${print(findings)}\n${says}: ${why}\n`;
}

function print(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length), 0);
  return findings
    .map(({ status, check, found, change }) => {
      const line = `${status.padEnd(4)}  ${check.padEnd(width)}  ${found}\n`;
      return change === undefined ? line : `${line}${' '.repeat(8 + width)}-> ${change}\n`;
    })
    .join('');
}

const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
