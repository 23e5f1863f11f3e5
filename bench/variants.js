/** Which guards are compared? Each loads what it needs by itself, so that no server carries another's code. */
import { APP_GUARD } from '@nestjs/core';
import { AUDIENCE } from './issuer.js';

const appGuard = (useClass) => ({ providers: [{ provide: APP_GUARD, useClass }] });
const peers = () => import('./peers.js');

export const MODULE = 'nestjs-resource-server';
export const INTROSPECTING = `${MODULE}, introspecting`;
export const YES = 'a no-op guard';
export const MAP = 'a Map of tokens';
export const CONFIG = 'ConfigModule, no guard';
export const MODULE_WITH_CONFIG = `ConfigModule, ${MODULE}`;
export const CALL_ALONE = 'the call alone, by undici';
const CLIENT = { clientId: 'bench-api', clientSecret: 'a secret of the benchmark' };

class YesGuard {
  canActivate() {
    return true;
  }
}

async function thisModule(issuer, options) {
  const { AuthModule, Scopes } = await import('../dist/index.js');
  return {
    imports: [AuthModule.forRoot({ issuer, audience: AUDIENCE, ...options })],
    decorate: [Scopes('read:things')],
  };
}

async function configModule() {
  const { ConfigModule } = await import('@nestjs/config');
  return { imports: [ConfigModule.forRoot({ isGlobal: true })] };
}

async function thisModuleWithConfig(issuer, options) {
  const [{ imports: config }, { imports, decorate }] = [
    await configModule(),
    await thisModule(issuer, options),
  ];
  return { imports: [...config, ...imports], decorate };
}

async function passportJwt(issuer) {
  const { imports, providers, guard } = await (await peers()).passportJwt(issuer);
  return { imports, providers: [...providers, { provide: APP_GUARD, useClass: guard }] };
}

/**
 * In the order of the tables; the first is what the others are compared with.
 *
 * @type {Record<string, {
 *   checks: boolean, // looks at the token: cold work is cold to it only with new ones, and it refuses
 *   asks?: boolean, // introspects: opaque tokens only
 *   isMinimum?: boolean, // the least that such a guard can do, or a start: measured where a section names it
 *   cannot?: string[], // platforms and algorithms that it does not know
 *   setUp: (issuer: string, options: object) => Promise<{
 *     imports?: unknown[], providers?: unknown[], decorate?: MethodDecorator[], middleware?: unknown[],
 *   }>,
 * }>}
 */
export const VARIANTS = {
  unguarded: { checks: false, setUp: async () => ({}) },
  [YES]: { checks: false, setUp: async () => appGuard(YesGuard) },
  'jose by hand': {
    checks: true,
    setUp: async (issuer) => appGuard(await (await peers()).joseGuard(issuer)),
  },
  'passport-jwt, jwks-rsa': { checks: true, cannot: ['EdDSA'], setUp: passportJwt },
  'express-oauth2-jwt-bearer': {
    checks: true,
    cannot: ['Fastify', 'ES256', 'EdDSA'],
    setUp: async (issuer) => ({ middleware: await (await peers()).expressOAuth2JwtBearer(issuer) }),
  },
  'aws-jwt-verify': {
    checks: true,
    setUp: async (issuer) => appGuard(await (await peers()).awsJwtVerifyGuard(issuer)),
  },
  'fast-jwt, its cache on': {
    checks: true,
    setUp: async (issuer) => appGuard(await (await peers()).fastJwtGuard(issuer)),
  },
  [MODULE]: { checks: true, setUp: thisModule },
  'introspection by hand': {
    checks: true,
    asks: true,
    setUp: async (issuer) => appGuard(await (await peers()).introspectionGuard(issuer)),
  },
  [CALL_ALONE]: {
    checks: true,
    asks: true,
    isMinimum: true,
    setUp: async (issuer) => appGuard(await (await peers()).bareIntrospectionGuard(issuer)),
  },
  [MAP]: {
    checks: true,
    isMinimum: true,
    setUp: async (issuer) => appGuard(await (await peers()).mapGuard(issuer)),
  },
  [CONFIG]: { checks: false, isMinimum: true, setUp: configModule },
  [MODULE_WITH_CONFIG]: { checks: true, isMinimum: true, setUp: thisModuleWithConfig },
  [INTROSPECTING]: {
    checks: true,
    asks: true,
    setUp: (issuer, options) => thisModule(issuer, { ...CLIENT, ...options }),
  },
};

export const [BASE] = Object.keys(VARIANTS);

/** Of JWTs. @param {string[]} needs a platform, an algorithm */
export function variantsThatKnow(...needs) {
  return Object.keys(VARIANTS).filter(
    (name) =>
      !VARIANTS[name].asks &&
      !VARIANTS[name].isMinimum &&
      !VARIANTS[name].cannot?.some((each) => needs.includes(each)),
  );
}
