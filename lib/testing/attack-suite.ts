/** Tests that an application rejects hostile requests, with any test runner. */
import { AssertionError } from 'node:assert';
import { AttackContext, type AttackedRoute } from './attack-context.js';
import { fireMessage, isForMessages, messageContext, type AttackedMessage } from './message-attacks.js';
import { graphqlStatus } from './graphql-answer.js';
import { fire, originOf, type Answer, type AttackTarget, type Shot } from './attack-target.js';
import type { AttackRow } from './attack-row.js';
import { ATTACKS } from './attacks.js';
import type { TestIssuer } from './test-issuer.js';
import { webSocketStatus } from './websocket-answer.js';

/** One hostile request, or the valid request of a route. */
export interface Attack {
  /** The name for the test: `GET /products: token: expired`. */
  readonly name: string;
  /**
   * Sends the request.
   *
   * @param target the application, or its origin; none for a message, which the function of the test sends
   * @throws {AssertionError} if the response is not the expected one
   */
  run(target?: AttackTarget): Promise<void>;
}

/**
 * Creates hostile requests for each route. The first request of each route has a valid token and must be accepted, because otherwise the
 * rejection of the others proves nothing; it runs the handler.
 *
 * An attack must be answered with 401 (400 for more than one token, 403 for a valid token without the scopes and groups in `token`), with
 * a `WWW-Authenticate` header, and without the token in the response; in GraphQL with the corresponding error. The application must trust
 * the issuer (`issuer.environment` or `issuer.options`) and read tokens from the `Authorization` header.
 *
 * A function of the test sends messages ({@link AttackedMessage}) over any transport. They must be rejected with the corresponding error;
 * challenges and attacks by URL do not apply.
 *
 * Routes that require DPoP-bound tokens are also attacked with other spellings of their path, if a guarded handler answers these: choose
 * a path that ends in a parameter.
 *
 * Not tested: routes that require a client certificate, because the requests have none; whether each single scope or group of a route is
 * required; and places where Nest runs no guard.
 *
 * With TLS, Node.js must trust the certificate of the application (`NODE_EXTRA_CA_CERTS`).
 *
 * @throws {TypeError} without a route
 *
 * @example
 * ```ts
 * const attacks = attackSuite(issuer, { path: '/orders', token: { scope: 'read:orders' } });
 * it.each(attacks)('$name', (attack) => attack.run(app));
 * ```
 */
export function attackSuite(
  issuer: TestIssuer,
  routes: AttackedRoute | AttackedMessage | readonly (AttackedRoute | AttackedMessage)[],
): Attack[] {
  const list = [routes].flat() as readonly (AttackedRoute | AttackedMessage)[];
  if (list.length === 0) throw new TypeError('attackSuite: no route to attack');
  return list.flatMap((route) => [letIn(issuer, route), ...refusals(issuer, route)]);
}

type Attacked = AttackedRoute | AttackedMessage;

function letIn(issuer: TestIssuer, route: Attacked): Attack {
  const name = `${placeOf(route)}: a valid token is accepted`;
  return {
    name,
    run: async (target) => {
      const scene = await contextOf(issuer, route, target);
      const status = statusOf(route, await fireAt(route, scene.present(scene.goodToken())));
      if (status !== 401 && status !== 403 && status < 500) return;
      fail(
        `${name}: answered ${status}: check that the application trusts this issuer, and that the token has the required scopes and groups`,
        {
          actual: status,
          expected: 200,
        },
      );
    },
  };
}

function refusals(issuer: TestIssuer, route: Attacked): Attack[] {
  const rows = ATTACKS.filter(
    (row) =>
      !(route.optional && row.anonymous) &&
      !(row.forGrants && !holdsGrants(route)) &&
      (isMessage(route) ? isForMessages(row) : route.dpop || !row.dpop),
  );
  return rows.map((row) => {
    const name = `${placeOf(route)}: ${row.name}`;
    return {
      name,
      run: async (target) => {
        const scene = await contextOf(issuer, route, target);
        if (row.probe && (await fire(row.probe(scene))).status !== 401) return;
        let last: { readonly shot: Shot; readonly answer: Answer } | undefined;
        for (const shot of row.shots(scene)) last = { shot, answer: await fireAt(route, shot) };
        if (!last) return;
        const answer = { ...last.answer, status: statusOf(route, last.answer) };
        checkAnswer(name, row, last.shot, answer, isMessage(route));
      },
    };
  });
}

function isMessage(route: Attacked): route is AttackedMessage {
  return 'message' in route;
}

async function contextOf(
  issuer: TestIssuer,
  route: Attacked,
  target: AttackTarget | undefined,
): Promise<AttackContext> {
  if (isMessage(route)) return messageContext(issuer, route);
  if (target === undefined) throw new TypeError('attackSuite: no application to attack');
  return new AttackContext(issuer, route, await originOf(target));
}

function fireAt(route: Attacked, shot: Shot): Promise<Answer> {
  return isMessage(route) ? fireMessage(route, shot) : fire(shot);
}

function statusOf(route: Attacked, answer: Answer): number {
  if (isMessage(route)) return answer.status;
  if (route.webSocket === true) return webSocketStatus(answer);
  return route.graphql === undefined ? answer.status : graphqlStatus(answer);
}

function holdsGrants({ token: { scope = [], groups = [] } = {} }: Attacked): boolean {
  return scope.length > 0 || groups.length > 0;
}

function checkAnswer(
  name: string,
  { status }: AttackRow,
  shot: Shot,
  answer: Answer,
  isOfMessage: boolean,
): void {
  if (answer.status !== status)
    fail(`${name}: answered ${answer.status}, expected ${status}`, {
      actual: answer.status,
      expected: status,
    });
  if (!isOfMessage && answer.headers['www-authenticate'] === undefined)
    fail(`${name}: answered ${status} without WWW-Authenticate`, {
      actual: undefined,
      expected: 'a challenge',
    });
  const said = JSON.stringify(answer.headers) + answer.text;
  if (credentialsIn(shot).some((each) => said.includes(each)))
    fail(`${name}: the response contains the token`, { actual: 'repeated', expected: 'not repeated' });
}

/** Returns the tokens and proofs of a request, without short values, which a response could contain by accident. */
function credentialsIn({ headers }: Shot): readonly string[] {
  return headers
    .filter(([name]) => name === 'Authorization' || name === 'DPoP')
    .flatMap(([, value]) => value.split(/[ ,]+/))
    .filter((each) => each.length > 16);
}

function fail(message: string, { actual, expected }: { actual: unknown; expected: unknown }): never {
  throw new AssertionError({ message, actual, expected, operator: 'attackSuite' });
}

function placeOf(route: Attacked): string {
  if (isMessage(route)) return `message ${route.message}`;
  const { method = 'GET', path, graphql, webSocket } = route;
  if (webSocket === true) return `CONNECT ${path}`;
  return graphql === undefined ? `${method} ${path}` : `${path} ${graphql}`;
}
