/** What is asked of the servers? Every token is signed here, before anything is measured. */
import { makeOpaqueTokens, makeTokens } from './issuer.js';
import { BASE, CALL_ALONE, INTROSPECTING, MODULE, VARIANTS, variantsThatKnow } from './variants.js';

const ROTATION = 500;
/** Enough to compile what they run through. */
const LEAD_IN = 320;
/** Of new tokens: what checks them is compiled, and objects that are remembered are seen by the garbage collector. */
const COLD_LEAD_IN = 2000;

/**
 * @typedef {{
 *   name: string,
 *   alg?: string,
 *   connections?: number, // instead of 32
 *   expected: number, // status, from a variant that checks tokens
 *   leadIn: string[], // sent unmeasured to a server that has not done this work yet
 *   leadsEachRound?: boolean, // and before every round: what the other work pushed out of caches comes back
 *   tokensOf: (round: number) => string[],
 *   once?: boolean, // each token may be sent once only
 *   variants?: string[], // instead of all that know what is asked
 * }} Work
 *
 * @param {import('./issuer.js').Issuer} source
 * @param {{ rounds: number, coldTokens: number }} settings
 * @returns {Work[]}
 */
export function makeWorks(source, { rounds, coldTokens }) {
  const good = makeTokens(source, ROTATION, 'RS256');
  return [
    {
      name: 'warm RS256',
      alg: 'RS256',
      expected: 200,
      leadIn: [...good, ...good],
      leadsEachRound: true,
      tokensOf: () => good,
    },
    cold('RS256'),
    cold('ES256'),
    cold('EdDSA'),
    refusal('expired', 401, makeTokens(source, ROTATION, 'RS256', { exp: 1_000_000_000 })),
    refusal('bad signature', 401, good.map(withSignatureOfNext)),
    refusal('garbage', 401, ['a.b.c']),
    refusal('missing scope', 403, makeTokens(source, ROTATION, 'RS256', { scope: 'write:things profile' })),
  ];

  function cold(alg) {
    const supplies = Array.from({ length: rounds }, () => makeTokens(source, coldTokens, alg));
    const leadIn = makeTokens(source, COLD_LEAD_IN, alg);
    return {
      name: `cold ${alg}`,
      alg,
      expected: 200,
      leadIn,
      tokensOf: (round) => supplies[round],
      once: true,
    };
  }
}

function refusal(reason, expected, tokens) {
  return {
    name: `refusal: ${reason}`,
    alg: 'RS256',
    expected,
    leadIn: repeat(tokens),
    tokensOf: () => tokens,
  };
}

/** A provider that takes 20 ms. Beside it, the same work with JWTs: a remembered answer is to cost no more. */
export function makeIntrospectionWorks(source, { rounds, coldTokens }) {
  const opaque = makeOpaqueTokens(ROTATION);
  const jwts = makeTokens(source, ROTATION, 'RS256');
  const asking = [
    BASE,
    ...Object.keys(VARIANTS).filter((name) => VARIANTS[name].asks && !VARIANTS[name].isMinimum),
  ];
  const warm = (tokens, variants) => ({
    name: 'introspection, warm',
    expected: 200,
    leadIn: [...tokens, ...tokens],
    leadsEachRound: true,
    tokensOf: () => tokens,
    variants,
  });
  const cold = (name, connections) => {
    const supplies = Array.from({ length: rounds }, () => makeOpaqueTokens(coldTokens));
    return {
      name,
      connections,
      expected: 200,
      leadIn: makeOpaqueTokens(COLD_LEAD_IN),
      tokensOf: (round) => supplies[round],
      once: true,
      variants: [BASE, 'introspection by hand', CALL_ALONE, INTROSPECTING],
    };
  };
  return [
    warm(opaque, asking),
    warm(jwts, [MODULE]),
    cold('introspection, cold'),
    cold('introspection, cold, 256 connections', 256),
  ];
}

/** A guard that looks at no token refuses none: beside refusals only the base has something to say. */
export function variantsOf({ expected, alg, variants }, platform) {
  if (variants) return variants;
  return variantsThatKnow(platform, alg).filter(
    (name) => expected === 200 || name === BASE || VARIANTS[name].checks,
  );
}

/** Every token at least once: a refusal may be remembered, too. */
function repeat(tokens) {
  return Array.from({ length: Math.max(LEAD_IN, tokens.length) }, (_, i) => tokens[i % tokens.length]);
}

/** Of the right key and form, but over another token. */
function withSignatureOfNext(token, i, tokens) {
  const other = tokens[(i + 1) % tokens.length];
  return token.slice(0, token.lastIndexOf('.')) + other.slice(other.lastIndexOf('.'));
}
