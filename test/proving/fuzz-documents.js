/** Whatever a provider sends: no bad token passes for it, good tokens pass where it says so, and nothing falls over. */
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { PLATFORMS, startApp } from './app.js';
import { makeKeyRing, spoilt, writeJson } from './build-token.js';
import { campaign } from './campaign.js';
import { ageCaches, giveClocksBack, realTime, takeClocks } from './clock.js';
import { answerRecipe, discoveryRecipe, keySetRecipe, shaped } from './document-recipes.js';
import { AUDIENCE, encode, goodClaims, goodToken, hmacOf } from './mint.js';
import { checkAnswer, judgeToken } from './oracle.js';
import { Provider } from './provider.js';
import { strictInClaims, strictInJson } from './strictness.js';
import { Wire } from './wire.js';

/** Past this no document of before counts: the fresh time, a day of grace, the longest pause. */
const EVERYTHING_FORGOTTEN = 3 * 86_400;
/** What a bad token may get while the provider sends garbage: it is bad, it cannot be known, we are set up wrongly. */
const NOT_GOOD = [401, 500, 503];

/** RFC 8259 section 8.1: a byte order mark may be ignored. */
const READABLE = new Set(['plain', 'bom']);

export async function fuzzDocuments({ seed, path, property: only, milliseconds }) {
  const provider = await Provider.start();
  const options = {
    issuer: provider.issuer,
    audience: AUDIENCE,
    clientId: 'the-api',
    clientSecret: 'its-secret',
  };
  const apps = await Promise.all(PLATFORMS.map((platform) => startApp(platform, options)));
  const wires = apps.map(({ port }) => new Wire(port, 2));
  const world = { provider, ring: makeKeyRing(), wires, stricter: {} };
  provider.keys = world.ring.published;

  takeClocks();
  const wrong = [];
  const properties = {
    keys: keysProperty(world),
    discovery: discoveryProperty(world),
    answers: answersProperty(world),
  };
  const chosen = Object.entries(properties).filter(([name]) => only === undefined || name === only);
  for (const [name, property] of chosen) {
    const until = realTime() + milliseconds / chosen.length;
    wrong.push(...(await campaign(name, property, { seed, path, until }, realTime)));
    provider.documents = {};
    ageCaches(EVERYTHING_FORGOTTEN);
  }
  giveClocksBack();

  wires.forEach((wire) => wire.close());
  await Promise.all(apps.map((app) => app.close()));
  await provider.close();
  return { requests: wires.reduce((sum, { count }) => sum + count, 0), stricter: world.stricter, wrong };
}

function keysProperty({ provider, ring, wires }) {
  return fc.asyncProperty(keySetRecipe, async ({ entries, shape }) => {
    const { issuer } = provider;
    const keys = entries.map((each) => keyOf(each, { ring, issuer }));
    publish(provider, { jwks: shaped(JSON.stringify({ keys }), shape) });
    const published = readKeys(provider.documents.jwks);
    const tokens = [
      ...ring.published.slice(0, 4).map((key, i) => ({ token: goodToken(issuer, key), entry: i })),
      { token: goodToken(issuer, ring.published[0], {}, { kid: undefined }) },
      { token: goodToken(issuer, { ...ring.stranger, kid: ring.published[0].kid }) },
      { token: hmacToken(issuer, ring.published[2]) },
    ];
    for (const { token, entry } of tokens) {
      const world = { issuer, audience: AUDIENCE, keys: published, now: Date.now() / 1000 };
      const isGood = judgeToken(token, world).good;
      // A key that stands there as it should, and no other of its name: junk beside it must not spoil it.
      const others = (i) => keys.filter((jwk, j) => j !== i && jwk?.kid === ring.published[entry]?.kid);
      const isClean = ({ key, members }, i) => key === entry && !members && others(i).length === 0;
      const mustPass = isGood && READABLE.has(shape) && entry !== undefined && entries.some(isClean);
      await expectStatus(wires, token, mustPass ? [200] : isGood ? [200, ...NOT_GOOD] : NOT_GOOD);
    }
  });
}

function discoveryProperty({ provider, ring, wires }) {
  return fc.asyncProperty(discoveryRecipe, async ({ members, shape }) => {
    const { issuer } = provider;
    const addresses = { issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: `${issuer}/introspect` };
    const document = spoilt(addresses, members, { ring, issuer });
    publish(provider, { discovery: shaped(JSON.stringify(document), shape) });
    const isOurs =
      [issuer, `${issuer}/`].includes(document.issuer) && document.jwks_uri === addresses.jwks_uri;
    const mustPass = isOurs && READABLE.has(shape);
    for (const iss of [issuer, `${issuer}/`, 'https://elsewhere.example']) {
      const isGood = isOurs && iss === document.issuer;
      const allowed = isGood ? (mustPass ? [200] : [200, ...NOT_GOOD]) : mustPass ? [401] : NOT_GOOD;
      await expectStatus(wires, goodToken(issuer, ring.published[0], { iss }), allowed);
    }
  });
}

function answersProperty({ provider, ring, wires, stricter }) {
  return fc.asyncProperty(answerRecipe, async ({ members, text, shape }) => {
    const { issuer } = provider;
    const answer = spoilt({ active: true, ...goodClaims(issuer) }, members, { ring, issuer });
    const json = writeJson(answer, text);
    provider.documents = { introspection: shape === 'plain' ? json : shaped(json.toString(), shape) };
    const bytes = Buffer.from(provider.documents.introspection);
    const { good, claims } = checkAnswer(bytes, { issuer, audience: AUDIENCE, now: Date.now() / 1000 });
    const reason = shape === 'plain' ? good && (strictInJson(bytes) ?? strictInClaims(claims)) : shape;
    if (good && reason) stricter[reason] = (stricter[reason] ?? 0) + 1;
    const token = randomUUID();
    const allowed = good ? (reason ? [200, 401, 503] : [200]) : [401, 503];
    // Twice: the second answer comes from the cache.
    await expectStatus(wires, token, allowed);
    await expectStatus(wires, token, allowed);
  });
}

function publish(provider, documents) {
  provider.documents = documents;
  ageCaches(EVERYTHING_FORGOTTEN);
}

function keyOf({ key, members = [], nulls = [], secret, value }, { ring, issuer }) {
  if (secret !== undefined)
    return { kty: 'oct', k: encode('secret'), alg: 'HS256', kid: ring.published[secret].kid };
  if (key === undefined) return value;
  const jwk = spoilt(ring.published[key].jwk, members, { ring, issuer });
  return { ...jwk, ...Object.fromEntries(nulls.map((name) => [name, null])) };
}

function hmacToken(issuer, key) {
  const input = `${encode(JSON.stringify({ alg: 'HS256', kid: key.kid }))}.${encode(JSON.stringify(goodClaims(issuer)))}`;
  return `${input}.${encode(hmacOf(key, input))}`;
}

function readKeys(document) {
  try {
    const { keys } = JSON.parse(String(document).replace(/^\ufeff/, ''));
    return Array.isArray(keys) ? keys : [];
  } catch {
    return [];
  }
}

async function expectStatus(wires, token, allowed) {
  for (const wire of wires) {
    const { status } = await wire.get('/any', [['Authorization', `Bearer ${token}`]]);
    if (!allowed.includes(status)) throw new Error(`${status} instead of ${allowed.join(' or ')}`);
  }
}
