/** Microseconds for a known token in this process, without a server around it: variants of the module's options take turns. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, TokenValidationService } from '../dist/index.js';
import { AUDIENCE } from './issuer.js';

const PASSES = 40;
/** Rounds that only compile. */
const LEAD_IN = 2;

/** @returns the application context, and `validate`, which does what the guard does for a route with one scope */
export async function startService(options) {
  class AppModule {}
  Module({ imports: [AuthModule.forRoot({ audience: AUDIENCE, ...options })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const service = app.get(TokenValidationService);
  return {
    app,
    validate: (token) => service.validateAccessToken(token, { scopes: ['read:things'] }),
    close: () => app.close(),
  };
}

async function time(tokens, validate) {
  const started = process.hrtime.bigint();
  for (let pass = 0; pass < PASSES; pass++) for (const token of tokens) await validate(token);
  return Number(process.hrtime.bigint() - started) / 1000 / (PASSES * tokens.length);
}

/** @returns {Promise<number[][]>} µs per token of each variant, by round */
export async function measureWarm(variants, tokens, rounds) {
  const warm = variants.map(() => []);
  for (const { validate } of variants) for (const token of tokens) await validate(token);
  for (let round = -LEAD_IN; round < rounds; round++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const index = (turn + Math.abs(round)) % variants.length;
      const microseconds = await time(tokens, variants[index].validate);
      if (round >= 0) warm[index].push(microseconds);
    }
  }
  return warm;
}
