/** Validation alone, in this process: microseconds per token, beside the bare check of the signature. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthModule, TokenValidationService } from '../dist/index.js';
import { verify } from 'node:crypto';
import { AUDIENCE, makeToken } from './issuer.js';

async function time(tokens, validate) {
  const started = process.hrtime.bigint();
  for (const token of tokens) await validate(token);
  return Number(process.hrtime.bigint() - started) / 1000 / tokens.length;
}

export async function measureValidation(source, rounds) {
  class AppModule {}
  Module({ imports: [AuthModule.forRoot({ issuer: source.issuer, audience: AUDIENCE })] })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const service = app.get(TokenValidationService);
  const validate = (token) => service.validateAccessToken(token);
  const rows = [];
  for (const alg of ['RS256', 'ES256']) {
    const key = { key: source.keys[alg].publicKey, dsaEncoding: 'ieee-p1363' };
    const bare = (token) => {
      const dot = token.lastIndexOf('.');
      const signature = Buffer.from(token.slice(dot + 1), 'base64url');
      if (!verify('sha256', Buffer.from(token.slice(0, dot)), key, signature))
        throw new Error('bench: not verified');
    };
    const times = { bare: [], cold: [], warm: [] };
    for (let round = 0; round <= rounds; round++) {
      const tokens = Array.from({ length: 300 }, () => makeToken(source, alg));
      const measured = {
        bare: await time(tokens, bare),
        cold: await time(tokens, validate),
        warm: await time(tokens, validate),
      };
      // The first round warms up.
      if (round > 0) for (const [name, value] of Object.entries(measured)) times[name].push(value);
    }
    rows.push({ alg, ...times });
  }
  await app.close();
  return rows;
}
