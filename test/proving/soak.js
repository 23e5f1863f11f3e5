/** Load for long: right answers all the while, and at the end as much memory, handles and sockets as at the beginning. */
import { randomUUID } from 'node:crypto';
import { startAppChild } from './app-child.js';
import { PLATFORMS } from './app.js';
import { AUDIENCE, goodClaims, goodToken, makeKey, seconds } from './mint.js';
import { Provider } from './provider.js';
import { Wire } from './wire.js';

const AT_ONCE = 64;
const POOL = 200;
/** After the garbage is collected; what bounded maps gain as they fill, and a running process by itself, is less than this. */
const MOST_GROWTH = { heapUsed: 16 * 2 ** 20, rss: 64 * 2 ** 20 };
/** A connection to the provider may be kept alive at one moment and not at the other. */
const MOST_MORE_HANDLES = 2;

export async function soak({ milliseconds }) {
  const provider = await Provider.start();
  provider.keys = [makeKey(), makeKey('EdDSA')];
  const options = {
    issuer: provider.issuer,
    audience: AUDIENCE,
    clientId: 'the-api',
    clientSecret: 'its-secret',
    // Everything is fetched and asked for anew many times in between.
    jwksCacheDuration: 2,
    metadataCacheDuration: 2,
    introspectionCacheDuration: 2,
  };
  const requests = makeRequests(provider);
  const report = { requests: 0, wrong: [], figures: [] };
  for (const child of await Promise.all(PLATFORMS.map((platform) => startAppChild(platform, options))))
    report.figures.push({ child });
  await forEach(report, (row) => load(row.child, requests, milliseconds / 5, report));
  await forEach(report, async (row) => (row.before = await row.child.measure()));
  await forEach(report, (row) => load(row.child, requests, (milliseconds * 4) / 5, report));
  await forEach(report, async (row) => (row.after = await measureAtRest(row)));
  await forEach(report, async (row) => (row.endedByItself = await row.child.close()));
  await provider.close();
  for (const row of report.figures) report.wrong.push(...problemsOf(row));
  return report;
}

const forEach = ({ figures }, work) => Promise.all(figures.map(work));

/** Each with the statuses that it may get; those that are functions are another request each time. */
function makeRequests(provider) {
  const { issuer, keys } = provider;
  const pool = (make) => Array.from({ length: POOL }, (_, i) => make(i));
  const good = pool((i) => goodToken(issuer, keys[i % 2], { exp: seconds() + 86_400 }));
  const opaque = pool(() => randomUUID());
  for (const token of opaque)
    provider.introspected.set(token, { active: true, ...goodClaims(issuer), exp: seconds() + 86_400 });
  const inactive = pool(() => randomUUID());
  const expired = goodToken(issuer, keys[0], { exp: seconds() - 4000 });
  const pick = (list) => list[Math.floor(Math.random() * list.length)];
  const ask =
    (make, status, route = 'any') =>
    () => ({ token: make(), status, route });
  const unknownKid = () =>
    `${Buffer.from(`{"alg":"ES256","kid":"${randomUUID()}"}`).toString('base64url')}.${good[0].split('.').slice(1).join('.')}`;
  return [
    ask(() => pick(good), 200),
    ask(() => pick(good), 200, 'scoped'),
    ask(() => pick(good), 200, 'grouped'),
    ask(() => pick(good), 401, 'cert-bound'),
    ask(() => pick(opaque), 200),
    ask(() => pick(opaque), 200, 'scoped'),
    ask(() => pick(inactive), 401),
    ask(() => expired, 401),
    ask(() => 'junk!', 401),
    ask(() => undefined, 401),
    ask(() => `${pick(good).slice(0, -20)}${randomUUID().slice(0, 20).replaceAll('-', 'A')}`, 401),
    ask(() => goodToken(issuer, keys[0]), 200),
    // Rarely: while names are invented, such a request may wait for its turn.
    () =>
      Math.random() < 0.002
        ? { token: unknownKid(), status: 401, route: 'any' }
        : { status: 200, route: 'public' },
  ];
}

async function load(child, requests, milliseconds, report) {
  const wire = new Wire(child.port, 8);
  const until = performance.now() + milliseconds;
  while (performance.now() < until && report.wrong.length === 0) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, i) => {
        const { token, status: expected, route } = requests[i % requests.length]();
        const { status } = await wire.get(
          `/${route}`,
          token === undefined ? [] : [['Authorization', `Bearer ${token}`]],
        );
        if (status !== expected)
          report.wrong.push(
            `${child.platform} /${route}: ${status} instead of ${expected}: request ${i % requests.length}`,
          );
      }),
    );
  }
  report.requests += wire.count;
  wire.close();
  // The server sees the ends of its connections in its next turns.
  while ((await child.measure()).sockets > 0 && performance.now() < until + 5000);
}

/** Keys are fetched every second or two: what is open for that alone is not open for long. */
async function measureAtRest({ child, before }) {
  const until = performance.now() + 5000;
  for (;;) {
    const after = await child.measure();
    if (after.handles.length <= before.handles.length + MOST_MORE_HANDLES || performance.now() > until)
      return after;
  }
}

function problemsOf({ child, before, after, endedByItself }) {
  const grown = Object.entries(MOST_GROWTH).filter(([name, most]) => after[name] - before[name] > most);
  return [
    ...grown.map(([name]) => `${child.platform}: ${name} grew from ${before[name]} to ${after[name]} bytes`),
    ...(after.sockets > 0 ? [`${child.platform}: ${after.sockets} sockets are still open`] : []),
    ...(after.handles.length > before.handles.length + MOST_MORE_HANDLES
      ? [`${child.platform}: handles ${before.handles.join()} became ${after.handles.join()}`]
      : []),
    ...(endedByItself ? [] : [`${child.platform}: closed, the process did not end by itself`]),
    ...child.faults,
  ];
}
