/** A route that needs a token and one that may have one: what they must answer to a bad token, and log. */
import { Controller, Get, HttpCode, Post, type Type } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { Claims, OptionalAuth, type IncomingRequest } from 'nestjs-resource-server';
import { advanceClock } from './clock.js';
import { bootApp, type Platform, type TestApp } from './app.js';
import { bearer, type Answer, type Call } from './http.js';
import type { Issuer } from './issuer.js';
import { keepSecret, loggedLines } from './no-secrets-in-output.js';

/** A token with one part spoiled. */
export interface HostileToken {
  /** What is spoiled. */
  readonly name: string;
  readonly token: () => string | Promise<string>;
  /** What the operator reads: the reason of this row, and of no other. */
  readonly reason: string | RegExp;
  /** What the operator reads beside it, where the issuer is at fault. */
  readonly warning?: RegExp;
  /** The token names a key that is not known, or none: the keys may be fetched again, once for both routes. */
  readonly mayRefetch?: true;
}

@Controller('guarded')
class GuardedController {
  @Get()
  read(@Claims() claims: unknown): unknown {
    return claims;
  }

  @Post()
  @HttpCode(200)
  write(@Claims() claims: unknown): unknown {
    return claims;
  }
}

/** Absent is fine, wrong is not. */
@Controller('optional')
@OptionalAuth()
class OptionalController {
  @Get()
  read(@Claims() claims?: unknown): unknown {
    return claims ?? { anonymous: true };
  }

  @Post()
  @HttpCode(200)
  write(@Claims() claims?: unknown): unknown {
    return claims ?? { anonymous: true };
  }
}

export const PATHS = ['/guarded', '/optional'] as const;

export interface Gate {
  /** Of the application's own socket. */
  readonly origin: string;
  readonly send: TestApp['send'];
  /** Presents a token to the route that needs one, unless told another. */
  readonly present: (token: string, path?: string) => Promise<Answer>;
  /** Presents a hostile token to both routes and judges the answers, the log and what the issuer was asked. */
  readonly refuses: (row: HostileToken) => Promise<void>;
}

export interface GateSettings {
  /** By a `tokenResolver`, out of a JSON body: any character and any length gets through to the library. */
  readonly tokenInBody?: boolean;
  /** Has not asked the issuer for anything yet. */
  readonly cold?: boolean;
  /** More routes. */
  readonly controllers?: readonly Type[];
}

/** Boots before the tests of this block, with the issuer's keys at hand, and closes after them. */
export function openGate(
  platform: Platform,
  issuer: Issuer,
  { tokenInBody = false, cold = false, controllers = [] }: GateSettings = {},
): Gate {
  let app: TestApp;
  let secondsLater = 0;
  beforeAll(async () => {
    app = await bootApp(
      {
        ...issuer.options,
        ...(tokenInBody && { tokenResolver: tokenOfBody }),
        ...(cold && { warmUp: 'off' }),
      },
      {
        platform,
        controllers: [GuardedController, OptionalController, ...controllers],
        beforeListening: (nest) => {
          if (platform === 'Express')
            (nest as NestExpressApplication).useBodyParser('json', { limit: '1mb' });
        },
      },
    );
    if (!cold) expect(await present(issuer.token())).toMatchObject({ status: 200 });
  });
  afterAll(() => app.close());

  const present = (token: string, path = '/guarded'): Promise<Answer> =>
    tokenInBody ? app.send(path, jsonBody({ token })) : app.get(path, bearer(token));

  return {
    get origin() {
      return app.origin;
    },
    send: (path, call) => app.send(path, call),
    present,
    refuses: async ({ token, reason, warning, mayRefetch }) => {
      // Keys are fetched once a second: a token must not wait for that of the one before.
      if (mayRefetch) advanceClock((secondsLater += 2));
      const presented = keepSecret(await token());
      const asked = issuer.server.requests.length;
      for (const path of PATHS) expectInvalidToken(await present(presented, path));

      const says: unknown =
        typeof reason === 'string' ? expect.stringContaining(reason) : expect.stringMatching(reason);
      expect(refusals()).toEqual(PATHS.map(() => ({ outcome: '401 invalid_token', reason: says })));
      if (warning) expect(loggedLines()).toContainEqual(expect.stringMatching(warning));

      const fetched = issuer.server.requests.slice(asked);
      expect(mayRefetch ? ['', '/jwks'] : ['']).toContain(fetched.join());
    },
  };
}

export function expectInvalidToken(answer: Answer): void {
  expect(answer.status).toBe(401);
  expect(answer.headers['www-authenticate']).toContain('Bearer error="invalid_token"');
  expect(answer.body).toEqual({ statusCode: 401, message: 'unauthorized' });
}

export interface Refusal {
  readonly outcome: string;
  readonly reason: string;
}

/** What the guard has logged since the test began, one line a request; no line can be forged by what a token says. */
export function refusals(): Refusal[] {
  return loggedLines().flatMap((line) => {
    const [, outcome, reason] = /^\w+Controller\.\w+: (\d{3} \w+): (.*) AuthGuard$/s.exec(line) ?? [];
    if (outcome === undefined || reason === undefined) return [];
    expect(reason).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u);
    return { outcome, reason };
  });
}

export function jsonBody(body: unknown): Call {
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

function tokenOfBody({ body }: IncomingRequest): string | undefined {
  return (body as { readonly token?: string } | undefined)?.token;
}
