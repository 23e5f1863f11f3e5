/** Collects the results of separate checks. Each runs on a token that is valid except for the part that it checks. */
import { AuthError, TokenError } from '../errors/auth.errors.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import { trueTime } from '../token/check-claims.js';
import { adviseToken, detailOf } from './advice.js';
import type { Sources } from './command.js';
import type { Finding } from './findings.js';
import type { IssuerSettings } from './issuer-settings.js';

type Members = Readonly<Record<string, unknown>>;

/** Members that are shown if they pass. Others, such as the user's identity, are shown only if they are invalid. */
const SHOWN: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat']);
const TIMES: ReadonlySet<string> = new Set(['exp', 'nbf', 'iat']);

export class Verdict {
  readonly findings: Finding[] = [];

  constructor(
    readonly options: IssuerSettings,
    private readonly sources: Sources,
  ) {}

  /** Runs a check, and returns the error that it throws, if any. */
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

  /** Checks each member separately, with valid values of the others. */
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

/** Quotes unusual names of claims, because these can have any length and any characters. */
function shorten(check: string): string {
  return /^[\w:/.#+ -]{1,40}$/.test(check) ? check : quoteForeign(check);
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
