/** Which guards are compared? Each loads what it needs by itself, so that no server carries another's code. */
import { APP_GUARD } from '@nestjs/core';
import { AUDIENCE } from './issuer.js';

const appGuard = (useClass) => ({ providers: [{ provide: APP_GUARD, useClass }] });

class YesGuard {
  canActivate() {
    return true;
  }
}

/** By hand, as Nest's documentation teaches guards, with jose. */
async function joseGuard(issuer) {
  const { ForbiddenException, UnauthorizedException } = await import('@nestjs/common');
  const { createRemoteJWKSet, jwtVerify } = await import('jose');
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));

  return class JoseGuard {
    async canActivate(context) {
      const request = context.switchToHttp().getRequest();
      const [type, token] = request.headers.authorization?.split(' ') ?? [];
      if (type !== 'Bearer') throw new UnauthorizedException();
      request.user = await this.claimsOf(token);
      if (!request.user.scope.split(' ').includes('read:things')) throw new ForbiddenException();
      return true;
    }

    async claimsOf(token) {
      try {
        return (await jwtVerify(token, keys, { issuer, audience: AUDIENCE })).payload;
      } catch {
        throw new UnauthorizedException();
      }
    }
  };
}

async function thisModule(issuer) {
  const { AuthModule, Scopes } = await import('../dist/index.js');
  return {
    imports: [AuthModule.forRoot({ issuer, audience: AUDIENCE })],
    decorate: [Scopes('read:things')],
  };
}

/**
 * In the order of the tables; the first is what the others are compared with.
 *
 * @type {Record<string, {
 *   checks: boolean, // looks at the token: cold work is cold to it only with new ones, and it refuses
 *   setUp: (issuer: string) => Promise<{ imports?: unknown[], providers?: unknown[], decorate?: MethodDecorator[] }>,
 * }>}
 */
export const VARIANTS = {
  unguarded: { checks: false, setUp: async () => ({}) },
  'a guard that says yes': { checks: false, setUp: async () => appGuard(YesGuard) },
  'jose by hand': { checks: true, setUp: async (issuer) => appGuard(await joseGuard(issuer)) },
  'nestjs-resource-server': { checks: true, setUp: thisModule },
};

export const [BASE] = Object.keys(VARIANTS);
