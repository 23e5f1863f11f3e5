/** A provider that fails, clocks that jump, keys that come and go, in the middle of load: every answer against the model. */
import * as fc from 'fast-check';
import { startApp } from './app.js';
import { campaign } from './campaign.js';
import { advance, giveClocksBack, jumpWall, realTime, takeClocks } from './clock.js';
import { LoadMix } from './load-mix.js';
import { AUDIENCE, makeKey } from './mint.js';
import { Model } from './model.js';
import { FAULTS, isSlow } from './provider-faults.js';
import { Provider } from './provider.js';
import { FRESH, scheduleOf } from './schedule-recipes.js';
import { RevocationFaults } from './revocation-faults.js';
import { Wire } from './wire.js';

/**
 * A moment's requests share their fetches: one for what is stale, few for what is unknown or has just failed. Where the
 * moment is long, on a busy machine, further ones come a second after each other, or sooner for an impatient application;
 * each may be made twice, when the first one hangs.
 */
const MAX_FETCHES = 6;
const FETCHES_PER_SECOND = 2;
/** The `responseTimeout` of an application whose provider hangs; it fetches keys three times as often. */
const IMPATIENT_SECONDS = 0.3;
/** Between two loads a fetch for an unknown key is due again, in seconds. */
const BETWEEN_LOADS = 1.2;
/** Some are published without `kid`, one also has tokens without one: tried against eight keys, it is among the first. */
const KEYS = Array.from({ length: 12 }, (_, i) => {
  const key = makeKey('ES256', i % 4 === 1 || i === 3 ? { kid: undefined } : {});
  return i === 3 ? { ...key, kid: undefined } : key;
});
/** A server that closes has answered what it took by then, in milliseconds. */
const LONGEST_CLOSING = 10_000;

export async function runFaultSchedules({ seed, path, property: only, milliseconds }) {
  const report = { requests: 0, wrong: [], kinds: {} };
  const until = realTime() + milliseconds;
  const kinds = Object.keys(FAULTS).filter((kind) => only === undefined || kind === only);
  // Each kind has its turn at least once, however long that takes; a case that is played again has one.
  const rounds = path === undefined ? Infinity : 1;
  for (let round = 0; round < rounds && (round === 0 || realTime() < until); round++) {
    for (const [i, kind] of kinds.entries()) {
      const counted = (report.kinds[kind] ??= { schedules: 0, requests: 0, wrong: 0 });
      const property = fc.asyncProperty(scheduleOf(kind), (schedule) => runSchedule(schedule, kind, counted));
      const runs = { seed: seed + 1000 * round + 50 * i, path, until, rounds: 1, numRuns: 2 };
      const wrong = await campaign(kind, property, runs, realTime);
      counted.wrong += wrong.length;
      report.wrong.push(...wrong);
    }
    if (report.wrong.length > 0) break;
  }
  report.requests = Object.values(report.kinds).reduce((sum, { requests }) => sum + requests, 0);
  return report;
}

/** Rejections that nobody handled would end an application's process. */
const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(String(error?.detail ?? error)));

async function runSchedule({ platform, downAtStart, steps }, kind, counted) {
  takeClocks();
  const provider = await Provider.start();
  const keys = KEYS.slice(0, 2);
  provider.keys = [...keys];
  if (downAtStart) await provider.fail(kind);
  const store = new RevocationFaults();
  const app = await startApp(platform, {
    revocationStore: store,
    issuer: provider.issuer,
    audience: AUDIENCE,
    clientId: 'the-api',
    clientSecret: 'its-secret',
    jwksCacheDuration: FRESH,
    metadataCacheDuration: FRESH,
    introspectionCacheDuration: FRESH,
    responseTimeout: isSlow(kind) ? IMPATIENT_SECONDS : 10,
  });
  const run = {
    provider,
    app,
    store,
    model: new Model(provider, isSlow(kind)),
    mix: new LoadMix(provider),
    keys,
    wire: new Wire(app.port, 2),
    kind,
  };
  try {
    await load(run);
    for (const step of steps) {
      await take(step, run);
      await load(run, step.flood);
    }
    await closeUnderLoad(run);
    counted.schedules++;
  } finally {
    counted.requests += run.wire.count;
    run.wire.close();
    await app.close();
    await provider.close();
    giveClocksBack();
  }
}

async function take(step, { provider, mix, keys, app, store }) {
  if (step.fail) await provider.fail(step.fail, step.endpoints);
  if (step.heal) await provider.fail(undefined);
  if (step.advance) advance(step.advance);
  if (step.jump) {
    jumpWall(step.jump);
    // Whether their answers are remembered depends on when they were asked for: not a matter of the contract.
    mix.remembered = mix.remembered.filter(({ kind }) => kind === 'signed');
  }
  if (step.rotate && keys.length < KEYS.length) {
    keys.push(KEYS[keys.length]);
    provider.keys = [...provider.keys, keys.at(-1)];
  }
  if (step.withdraw && provider.keys.length > 1) provider.keys = provider.keys.slice(1);
  if (step.revoke) mix.revoke();
  if (step.storeFails !== undefined) store.fails = step.storeFails;
  // One that the store does not take holds in this instance all the same.
  if (step.signOut) await Promise.allSettled(mix.signOut().map((sub) => app.revocations.revoke({ sub })));
}

async function load({ provider, model, mix, keys, wire, kind }, flood) {
  await settle(provider);
  advance(BETWEEN_LOADS);
  const requests = mix.next(keys.slice(-4), flood);
  const before = model.observe(requests);
  const fetchesBefore = provider.counts.jwks;
  const sentAt = realTime();
  const answers = await Promise.all(
    requests.map(({ token }) => wire.get('/any', [['Authorization', `Bearer ${token}`]])),
  );
  await settle(provider);
  if (unhandled.length > 0) throw new Error(`nobody handles a rejection: ${unhandled.splice(0)[0]}`);
  requests.forEach((request, i) => {
    check(request, answers[i], model, before);
    if (answers[i].status !== 200) return;
    if (request.kind === 'opaque') note(request, before.now);
    mix.remember(request);
  });
  model.account(requests);
  const fetches = provider.counts.jwks - fetchesBefore;
  const seconds = (realTime() - sentAt) / 1000;
  const perSecond = FETCHES_PER_SECOND * (isSlow(kind) ? 3 / IMPATIENT_SECONDS : 1);
  if (fetches > MAX_FETCHES + Math.floor(seconds * perSecond)) {
    const during = `${requests.length} requests at once, in ${seconds.toFixed(1)} s`;
    throw new Error(`${fetches} fetches of the keys for ${during}`);
  }
}

function check(request, { status, head }, model, before, otherwise = []) {
  const allowed = [...model.allowed(request, before), ...otherwise];
  const { kind, exp } = request;
  if (!allowed.includes(status)) {
    const lifetime = exp === undefined ? '' : `, with ${Math.round(exp - Date.now() / 1000)} s to live`;
    throw new Error(`${kind}${lifetime}: ${status} instead of ${allowed.join(' or ')}: ${describe(before)}`);
  }
  if (status === 503 && !/\r\nretry-after: *\d+/i.test(head))
    throw new Error(`${kind}: 503 without Retry-After`);
}

/** What was taken before the server closed gets the answer that it would have got; the rest gets none. */
async function closeUnderLoad({ provider, app, model, mix, keys, wire }) {
  await settle(provider);
  advance(BETWEEN_LOADS);
  const requests = mix.next(keys.slice(-4));
  const before = model.observe(requests);
  const sent = requests.map(({ token }) => wire.get('/any', [['Authorization', `Bearer ${token}`]]));
  await new Promise((resolve) => setTimeout(resolve, 1));
  const closed = app.close();
  let timer;
  const tooLate = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('closing: requests are left without an end')), LONGEST_CLOSING);
  });
  const answers = await Promise.race([Promise.all(sent), tooLate]).finally(() => clearTimeout(timer));
  requests.forEach((request, i) => check(request, answers[i], model, before, [0]));
  wire.close();
  await closed;
}

/** Since when an answer is held for certain, and when it was last seen to be. */
function note(request, now) {
  if (request.since === undefined || now - request.acceptedAt >= FRESH + 1) request.since = now;
  request.acceptedAt = now;
}

function describe({ held, isFresh, isWell, keysFail, introspectionIsWell, mayBeThrottled }) {
  const isHeld = held !== undefined;
  return JSON.stringify({ isHeld, isFresh, isWell, keysFail, introspectionIsWell, mayBeThrottled });
}

/** Nothing is under way any more: what the application asked for in the background has come, or failed. */
async function settle(provider) {
  for (let quiet = 0; quiet < 3; quiet = provider.open === 0 ? quiet + 1 : 0)
    await new Promise((resolve) => setTimeout(resolve, 1));
}
