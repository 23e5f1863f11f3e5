/** Does the application refuse what it must? A table of hostile requests, for any test runner. */
import { AssertionError } from 'node:assert';
import { AttackContext, type AttackedRoute } from './attack-context.js';
import { graphqlStatus } from './graphql-answer.js';
import { fire, originOf, type Answer, type AttackTarget, type Shot } from './attack-target.js';
import type { AttackRow } from './attack-row.js';
import { ATTACKS } from './attacks.js';
import type { TestIssuer } from './test-issuer.js';
import { webSocketStatus } from './websocket-answer.js';

/** One hostile request, or the one good request of a route. */
export interface Attack {
  /** `GET /products: token: expired` */
  readonly name: string;
  /**
   * Sends it.
   *
   * @throws {AssertionError} unless it is answered as it must be
   */
  run(target: AttackTarget): Promise<void>;
}

/**
 * Hostile requests for every route given, and first for each of them a good one: as long as that is not let in, the rest
 * proves nothing. An application that lets the good one in runs its handler.
 *
 * An attack has to be answered with 401, in GraphQL with the error that stands for it (400 for tokens sent in more than one way, 403 for a good token that holds none of
 * the scopes and groups of `token`) and a `WWW-Authenticate` header, and without the token in the answer. The application must trust the issuer (`issuer.environment` or `issuer.options`) and
 * read tokens from the `Authorization` header.
 *
 * Routes that require DPoP-bound tokens are also attacked by other spellings of their path, where a guarded handler
 * answers these: name one whose path ends in a parameter.
 *
 * Not tried: routes that require a client certificate, since the requests go without one; whether each single scope or group
 * of a route is required; and anything at which Nest's guards do not stand.
 *
 * Behind TLS the application's certificate must be one that Node trusts (`NODE_EXTRA_CA_CERTS`).
 *
 * @throws {TypeError} without any route
 */
export function attackSuite(issuer: TestIssuer, routes: AttackedRoute | readonly AttackedRoute[]): Attack[] {
  const list = [routes].flat() as readonly AttackedRoute[];
  if (list.length === 0) throw new TypeError('attackSuite: no route to attack');
  return list.flatMap((route) => [letIn(issuer, route), ...refusals(issuer, route)]);
}

function letIn(issuer: TestIssuer, route: AttackedRoute): Attack {
  const name = `${placeOf(route)}: a good token is let in`;
  return {
    name,
    run: async (target) => {
      const scene = new AttackContext(issuer, route, await originOf(target));
      const status = statusOf(route, await fire(scene.present(scene.goodToken())));
      if (status !== 401 && status !== 403 && status < 500) return;
      fail(`${name}: answered ${status}; is this the application's issuer, and does the token hold enough?`, {
        actual: status,
        expected: 200,
      });
    },
  };
}

function refusals(issuer: TestIssuer, route: AttackedRoute): Attack[] {
  const rows = ATTACKS.filter(
    (row) =>
      !(route.optional && row.anonymous) &&
      !(row.forGrants && !holdsGrants(route)) &&
      (route.dpop || !row.dpop),
  );
  return rows.map((row) => {
    const name = `${placeOf(route)}: ${row.name}`;
    return {
      name,
      run: async (target) => {
        const scene = new AttackContext(issuer, route, await originOf(target));
        if (row.probe && (await fire(row.probe(scene))).status !== 401) return;
        let last: { readonly shot: Shot; readonly answer: Answer } | undefined;
        for (const shot of row.shots(scene)) last = { shot, answer: await fire(shot) };
        if (last) checkAnswer(name, row, last.shot, { ...last.answer, status: statusOf(route, last.answer) });
      },
    };
  });
}

function statusOf({ graphql, webSocket }: AttackedRoute, answer: Answer): number {
  if (webSocket === true) return webSocketStatus(answer);
  return graphql === undefined ? answer.status : graphqlStatus(answer);
}

function holdsGrants({ token: { scope = [], groups = [] } = {} }: AttackedRoute): boolean {
  return scope.length > 0 || groups.length > 0;
}

function checkAnswer(name: string, { status }: AttackRow, shot: Shot, answer: Answer): void {
  if (answer.status !== status)
    fail(`${name}: answered ${answer.status}, expected ${status}`, {
      actual: answer.status,
      expected: status,
    });
  if (answer.headers['www-authenticate'] === undefined)
    fail(`${name}: answered ${status} without WWW-Authenticate`, {
      actual: undefined,
      expected: 'a challenge',
    });
  const said = JSON.stringify(answer.headers) + answer.text;
  if (credentialsIn(shot).some((each) => said.includes(each)))
    fail(`${name}: the answer repeats the token`, { actual: 'repeated', expected: 'not repeated' });
}

/** Tokens and proofs; what is short would be found by accident. */
function credentialsIn({ headers }: Shot): readonly string[] {
  return headers
    .filter(([name]) => name === 'Authorization' || name === 'DPoP')
    .flatMap(([, value]) => value.split(/[ ,]+/))
    .filter((each) => each.length > 16);
}

function fail(message: string, { actual, expected }: { actual: unknown; expected: unknown }): never {
  throw new AssertionError({ message, actual, expected, operator: 'attackSuite' });
}

const placeOf = ({ method = 'GET', path, graphql, webSocket }: AttackedRoute): string =>
  webSocket === true ? `CONNECT ${path}` : graphql === undefined ? `${method} ${path}` : `${path} ${graphql}`;
