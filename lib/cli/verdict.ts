/** How do the single checks come out? Each real check is shown a token that is good but for the part in question. */
import { AuthError, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { trueTime } from '../token/check-claims.js';
import { adviseToken, detailOf } from './advice.js';
import type { Sources } from './command.js';
import type { Finding } from './findings.js';
import type { IssuerSettings } from './issuer-settings.js';

type Members = Readonly<Record<string, unknown>>;

/** Shown where they pass; of all others, who the user is among them, only what is wrong. */
const SHOWN: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat']);
const TIMES: ReadonlySet<string> = new Set(['exp', 'nbf', 'iat']);

export class Verdict {
  readonly findings: Finding[] = [];

  constructor(
    readonly options: IssuerSettings,
    private readonly sources: Sources,
  ) {}

  /** What the check threw, if it threw. */
  async check(name: string, text: string | undefined, run: () => unknown): Promise<AuthError | undefined> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      this.refuse(name, error);
      return error;
    }
    if (text !== undefined) this.show(name, text);
    return undefined;
  }

  show(check: string, found: string): void {
    this.findings.push({ status: 'ok', check, found });
  }

  /** Each member by itself, beside what is good. */
  async checkMembers(
    names: Iterable<string>,
    members: Members,
    check: (one: Members) => void,
  ): Promise<void> {
    for (const name of new Set(names)) {
      const value = members[name];
      const text = SHOWN.has(name) && value !== undefined ? this.#describe(name, value) : undefined;
      await this.check(name, text, () => check({ [name]: value }));
    }
  }

  refuse(check: string, error: AuthError): void {
    const found = detailOf(error);
    this.findings.push(
      error instanceof TokenError
        ? { status: 'FAIL', check: shorten(check), found, change: adviseToken(error.reason, this.sources) }
        : { status: '-', check: shorten(check), found, change: 'run doctor' },
    );
  }

  leaveOpen(check: string, why: string): void {
    this.findings.push({ status: '-', check, found: `not checked: ${why}` });
  }

  #describe(name: string, value: unknown): string {
    if (!TIMES.has(name) || typeof value !== 'number' || Number.isNaN(new Date(value * 1000).getTime()))
      return quoteForeign(value);
    const ahead = value - trueTime(this.options);
    const distance = inWords(Math.abs(ahead));
    const forgiven = name === 'exp' ? ahead <= 0 : ahead > 0;
    const leeway = forgiven ? `, tolerated by clockTolerance (${this.options.clockTolerance} s)` : '';
    return `${new Date(value * 1000).toISOString()}, ${ahead > 0 ? `in ${distance}` : `${distance} ago`}${leeway}`;
  }
}

/** A claim's name is as long as its writer likes, and may hold anything. */
function shorten(check: string): string {
  return /^[\w:/.#+ -]{1,40}$/.test(check) ? check : quoteForeign(check);
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
