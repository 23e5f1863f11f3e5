/** What several issuers cost: microseconds for a known token, with 1 and with 100 issuers, in this process. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, TokenValidationService } from '../dist/index.js';
import { AUDIENCE, makeTokens } from './issuer.js';

const TOKENS = 500;
const PASSES = 40;
/** Rounds that only compile. */
const LEAD_IN = 2;

/** The token's own issuer, and others that nobody is asked about. */
const others = (count) =>
  Array.from({ length: count }, (_, index) => ({ issuer: `https://tenant-${index}.example`, warmUp: 'off' }));

function makeVariants(issuer) {
  return [
    ['one issuer', { issuer }],
    ['100 issuers, a list', { issuers: [{ issuer }, ...others(99)] }],
    ['a function', { issuers: (iss) => (iss === issuer ? { issuer } : undefined) }],
  ];
}

async function start(options) {
  class AppModule {}
  Module({ imports: [AuthModule.forRoot({ audience: AUDIENCE, ...options })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const service = app.get(TokenValidationService);
  const validate = (token) => service.validateAccessToken(token, { scopes: ['read:things'] });
  return { validate, close: () => app.close() };
}

async function time(tokens, validate) {
  const started = process.hrtime.bigint();
  for (let pass = 0; pass < PASSES; pass++) for (const token of tokens) await validate(token);
  return Number(process.hrtime.bigint() - started) / 1000 / (PASSES * tokens.length);
}

/** @returns {Promise<{ name: string, warm: number[] }[]>} µs per token, by round; variants take turns */
export async function measureTenants(source, rounds) {
  const variants = await Promise.all(
    makeVariants(source.issuer).map(async ([name, options]) => ({
      name,
      warm: [],
      ...(await start(options)),
    })),
  );
  const tokens = makeTokens(source, TOKENS, 'ES256');
  for (const { validate } of variants) for (const token of tokens) await validate(token);
  for (let round = -LEAD_IN; round < rounds; round++) {
    const offset = Math.abs(round) % variants.length;
    for (const { warm, validate } of [...variants.slice(offset), ...variants.slice(0, offset)]) {
      const microseconds = await time(tokens, validate);
      if (round >= 0) warm.push(microseconds);
    }
  }
  for (const { close } of variants) await close();
  return variants.map(({ name, warm }) => ({ name, warm }));
}
