/** Tokens for another API, in this process: microseconds per call of OnBehalfOf, beside the validation of the caller's token. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, OnBehalfOf, TokenValidationService } from '../dist/index.js';
import { AUDIENCE, makeTokens } from './issuer.js';
import { printTable, spread } from './report.js';

const TOKENS = 500;
const WARM_PASSES = 20;
/** Rounds that only compile. */
const LEAD_IN = 2;
const TARGET = { audience: 'https://products.example.com', scope: 'read:products' };

async function time(tokens, passes, call) {
  const started = process.hrtime.bigint();
  for (let pass = 0; pass < passes; pass++) for (const token of tokens) await call(token);
  return Number(process.hrtime.bigint() - started) / 1000 / (passes * tokens.length);
}

/** @returns {Promise<{ validated: number[], exchanged: number[], remembered: number[] }>} µs per call, by round */
export async function measureExchange({ source, rounds }) {
  class AppModule {}
  const credentials = { clientId: 'bench', clientSecret: 'a-secret-of-the-benchmark' };
  Module({ imports: [AuthModule.forRoot({ issuer: source.issuer, audience: AUDIENCE, ...credentials })] })(
    AppModule,
  );
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const service = app.get(TokenValidationService);
  const onBehalfOf = app.get(OnBehalfOf);
  const exchange = (token) => onBehalfOf.accessTokenFor(token, TARGET);

  const row = { validated: [], exchanged: [], remembered: [] };
  for (let round = -LEAD_IN; round < rounds; round++) {
    const tokens = makeTokens(source, TOKENS, 'RS256');
    for (const token of tokens) await service.validateAccessToken(token);
    const measured = [
      [row.validated, await time(tokens, WARM_PASSES, (token) => service.validateAccessToken(token))],
      [row.exchanged, await time(tokens, 1, exchange)],
      [row.remembered, await time(tokens, WARM_PASSES, exchange)],
    ];
    if (round >= 0) for (const [list, value] of measured) list.push(value);
  }
  await app.close();
  printTable(
    'Tokens for another API, in process, µs per call',
    ['', 'TokenValidationService, warm', 'exchanged (a request each)', 'remembered'],
    [['RS256', spread(row.validated, 2), spread(row.exchanged, 0), spread(row.remembered, 2)]],
  );
  return row;
}
