/** Ways to present a token, good and bad. */
import { expect } from '@jest/globals';
import { PATHS, refusals, type Gate } from './gate.js';
import type { Answer } from './http.js';
import type { Issuer } from './issuer.js';

type Pairs = readonly (readonly [name: string, value: string])[];

/** A request that is good but for the way it sends its good token. */
export interface Presentation {
  readonly name: string;
  /** Out of two good tokens. */
  readonly headers: (token: string, other: string) => Pairs;
  /** `@` stands for a good token. */
  readonly query?: string;
  /** Makes it a POST. `@` stands for a good token. */
  readonly body?: string;
  /** What the operator reads. */
  readonly reason: string;
}

/** So many Authorization headers. */
export const authorization =
  (...values: readonly ((token: string, other: string) => string)[]): Presentation['headers'] =>
  (token, other) =>
    values.map((value) => ['Authorization', value(token, other)]);

export const FORM = 'application/x-www-form-urlencoded';

/** A good Authorization header and a body of this type. */
export const withBody =
  (contentType: string): Presentation['headers'] =>
  (token) => [
    ['Authorization', `Bearer ${token}`],
    ['Content-Type', contentType],
  ];

export function present(
  gate: Gate,
  issuer: Issuer,
  path: string,
  { headers, query = '', body }: Omit<Presentation, 'reason'>,
): Promise<Answer> {
  const token = issuer.token();
  const fill = (text: string): string => text.replaceAll('@', token);
  return gate.send(path + fill(query), {
    headers: headers(token, issuer.token()),
    ...(body !== undefined && { method: 'POST', body: fill(body) }),
  });
}

/** On both kinds of route: wrong is not the same as absent. */
export async function expectPresentationRefused(
  gate: Gate,
  issuer: Issuer,
  row: Presentation,
  [status, error, message]: readonly [status: number, error: string, message: string],
): Promise<void> {
  const asked = issuer.server.requests.length;
  for (const path of PATHS) {
    const answer = await present(gate, issuer, path, row);
    expect(answer).toMatchObject({ status, body: { statusCode: status, message } });
    expect(answer.headers['www-authenticate']).toContain(`Bearer error="${error}"`);
  }
  const reason: unknown = expect.stringContaining(row.reason);
  expect(refusals()).toEqual(PATHS.map(() => ({ outcome: `${status} ${error}`, reason })));
  expect(issuer.server.requests.slice(asked)).toEqual([]);
}
