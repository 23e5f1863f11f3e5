/** Whatever a client sends: the right answer, on both platforms, at first and again, and never a fault of the server. */
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { startAppChild } from './app-child.js';
import { PLATFORMS } from './app.js';
import { buildToken, makeKeyRing } from './build-token.js';
import { campaign } from './campaign.js';
import { place, presents, rawField, rawRequest, tokenAndPlacement } from './credential-recipes.js';
import { expectationsFor } from './expectation.js';
import { AUDIENCE, goodToken } from './mint.js';
import { Provider } from './provider.js';
import { Wire } from './wire.js';

const CASES_AT_ONCE = 40;
const WAVES = 30;
/** Answers in a pipeline wait for one another: those for invented names come soon where the patience is short. In seconds. */
const PATIENCE = 0.6;
/** The contract: one fetch at the start, one per fresh time, and for unknown names one in a third of that patience. */
const MOST_FETCHES = (elapsed) => 8 + (3 * elapsed) / PATIENCE;

export async function fuzzRequests({ seed, path, property: only, milliseconds }) {
  const began = performance.now();
  const provider = await Provider.start();
  const ring = makeKeyRing();
  provider.keys = ring.jwks;
  const options = { issuer: provider.issuer, audience: AUDIENCE, responseTimeout: PATIENCE };
  const children = await Promise.all(PLATFORMS.map((platform) => startAppChild(platform, options)));
  const targets = children.map((child) => ({ child, wire: new Wire(child.port) }));
  const report = { requests: 0, good: 0, refused: 0, stricter: {}, wrong: [] };
  const world = { provider, ring, targets, report, keys: ring.jwks.map(({ jwk }) => jwk) };

  const properties = { requests: requestsProperty(world), bytes: bytesProperty(world) };
  const chosen = Object.entries(properties).filter(([name]) => only === undefined || name === only);
  const settings = { seed, path, until: performance.now() + milliseconds };
  const failures = await Promise.all(chosen.map(([name, property]) => campaign(name, property, settings)));
  report.wrong.push(...failures.flat());

  if (path === undefined) await Promise.all(targets.map((target) => flood(target, world)));
  const most = MOST_FETCHES((performance.now() - began) / 1000) * PLATFORMS.length;
  if (provider.counts.jwks > most) report.wrong.push(`keys were fetched ${provider.counts.jwks} times`);
  for (const { child, wire } of targets) {
    report.requests += wire.count;
    wire.close();
    if (!(await child.close())) report.wrong.push(`${child.platform} did not end by itself`);
    report.wrong.push(...child.faults.map((fault) => `${child.platform}: ${fault}`));
  }
  await provider.close();
  return report;
}

/** Tokens and placements, many at once: every answer is what the oracle allows, and both platforms give the same. */
function requestsProperty(world) {
  const cases = fc.array(tokenAndPlacement, { minLength: 1, maxLength: CASES_AT_ONCE, size: 'max' });
  return fc.asyncProperty(cases, async (batch) => {
    const spare = goodToken(world.provider.issuer, world.ring.published[0]);
    const answers = await Promise.all(batch.map((each) => tryCase(each, spare, world)));
    const wrong = answers.flat().find((text) => text !== undefined);
    if (wrong) throw new Error(wrong);
  });
}

async function tryCase([recipe, placed], spare, world) {
  const { provider, ring, targets } = world;
  const { issuer } = provider;
  const token = buildToken(recipe, { ring, issuer, spare });
  const answers = targets.map((target) => askEach(target, token, placed, world));
  return (await Promise.all(answers)).flat();
}

async function askEach({ child, wire }, token, placed, { provider, ring, keys, report }) {
  const { port } = wire;
  const now = Date.now() / 1000;
  const judged = { issuer: provider.issuer, audience: AUDIENCE, keys, now, port };
  let expectations;
  return Promise.all(
    placed.routes.map(async (route) => {
      const { path, query, headers, sent } = place(placed, token, { ring, port, route });
      // A proof is for one route: with one, each request is judged apart.
      const expectation =
        sent.proofs.length > 0
          ? expectationsFor(sent, judged)
          : (expectations ??= expectationsFor(sent, judged));
      const { allowed, sub, why, stricter } = expectation(route, path);
      const answer = await wire.get(`/${path}${query}`, headers);
      const problem = problemIn(answer, { allowed, sub, headers });
      count(report, answer, stricter);
      return (
        problem &&
        `${child.platform} /${path}: ${problem} (${why ?? 'good'}${stricter ? `, ${stricter}` : ''})`
      );
    }),
  );
}

function count(report, { status }, stricter) {
  if (status === 200) report.good++;
  else report.refused++;
  if (stricter && status !== 200) report.stricter[stricter] = (report.stricter[stricter] ?? 0) + 1;
}

/** What is wrong with an answer; `undefined`: nothing. */
function problemIn({ status, head, body }, { allowed, sub, headers }) {
  if (allowed.includes(status)) {
    if (
      status === 200 &&
      JSON.stringify(JSON.parse(Buffer.from(body, 'latin1').toString()).sub) !== JSON.stringify(sub ?? null)
    )
      return `200 for somebody else: ${body.slice(0, 100)}`;
    if (status === 401 && !/\r\nwww-authenticate: /i.test(head)) return '401 without a challenge';
    return undefined;
  }
  // Node itself refuses what is no HTTP or too large, and may hang up on it.
  const size = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
  if (size > 14_000 && (status === 431 || status === 0)) return undefined;
  // oxlint-disable-next-line no-control-regex
  if (headers.some(([, value]) => /[\0-\x08\x0a-\x1f\x7f]/.test(value)) && (status === 400 || status === 0))
    return undefined;
  return `${status} instead of ${allowed.join(' or ')}`;
}

/** Invented names, wave after wave: what is asked for one at a time is counted together. */
async function flood({ child, wire }, { provider, ring, report }) {
  for (let wave = 0; wave < WAVES; wave++) {
    const tokens = [0, 1].map(() => goodToken(provider.issuer, ring.stranger, {}, { kid: randomUUID() }));
    const answers = await Promise.all(
      tokens.map((token) => wire.get('/any', [['Authorization', `Bearer ${token}`]])),
    );
    const wrong = answers.find(({ status }) => status !== 401 && status !== 503);
    if (wrong) report.wrong.push(`${child.platform}: ${wrong.status} for an unknown key`);
  }
}

/** Anything at all in the field: 200 only where a good token stands alone behind its scheme, and no 5xx. */
function bytesProperty({ provider, ring, targets, report }) {
  const fields = fc.array(rawField, { minLength: 1, maxLength: 8 });
  return fc.asyncProperty(fields, async (batch) => {
    const token = goodToken(provider.issuer, ring.published[0]);
    const tries = batch.flatMap((field) =>
      targets.map((target) => ({ ...target, bytes: rawRequest(field, token) })),
    );
    const answers = await Promise.all(tries.map(({ wire, bytes }) => wire.raw(bytes)));
    answers.forEach((answer, i) => {
      const { status } = answer;
      const { child, bytes } = tries[i];
      count(report, answer);
      if (status === 200 && !presents(bytes, token))
        throw new Error(`${child.platform}: 200 for ${JSON.stringify(bytes)}`);
      if (status >= 500 && status !== 503)
        throw new Error(`${child.platform}: ${status} for ${JSON.stringify(bytes)}`);
    });
  });
}
