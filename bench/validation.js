/** Validation alone, in this process: microseconds per token, beside the bare check of the signature. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, TokenValidationService } from '../dist/index.js';
import { verify } from 'node:crypto';
import { AUDIENCE, makeTokens } from './issuer.js';

const TOKENS = 500;
const WARM_PASSES = 20;
/** Rounds that only compile. */
const LEAD_IN = 2;

async function time(tokens, passes, validate) {
  const started = process.hrtime.bigint();
  for (let pass = 0; pass < passes; pass++) for (const token of tokens) await validate(token);
  return Number(process.hrtime.bigint() - started) / 1000 / (passes * tokens.length);
}

/** What nobody can save: no header, no claims, no key to look for. */
function bareCheck(alg, publicKey) {
  const digest = alg === 'EdDSA' ? undefined : 'sha256';
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' };
  return (token) => {
    const dot = token.lastIndexOf('.');
    const signature = Buffer.from(token.slice(dot + 1), 'base64url');
    if (!verify(digest, Buffer.from(token.slice(0, dot)), key, signature))
      throw new Error('bench: the signature does not verify');
  };
}

/** @returns {Promise<{ alg: string, bare: number[], cold: number[], warm: number[] }[]>} µs per token, by round */
export async function measureValidation(source, rounds) {
  class AppModule {}
  Module({ imports: [AuthModule.forRoot({ issuer: source.issuer, audience: AUDIENCE })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const service = app.get(TokenValidationService);
  const validate = (token) => service.validateAccessToken(token, { scopes: ['read:things'] });

  const rows = Object.keys(source.keys).map((alg) => ({ alg, bare: [], cold: [], warm: [] }));
  for (let round = -LEAD_IN; round < rounds; round++) {
    for (const { alg, bare, cold, warm } of rows) {
      const tokens = makeTokens(source, TOKENS, alg);
      const measured = [
        [bare, await time(tokens, 1, bareCheck(alg, source.keys[alg].publicKey))],
        [cold, await time(tokens, 1, validate)],
        [warm, await time(tokens, WARM_PASSES, validate)],
      ];
      if (round >= 0) for (const [list, value] of measured) list.push(value);
    }
  }
  await app.close();
  return rows;
}
