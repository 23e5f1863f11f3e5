/** What do `@Claims()` and the claims' type know? Compiled only, as ES modules and as CommonJS. */
import { Controller, Get, Injectable, ParseUUIDPipe, type PipeTransform } from '@nestjs/common';
import {
  AccessToken,
  Claims,
  type AccessTokenClaims,
  type CustomClaims,
  type TokenValidationService,
} from 'nestjs-resource-server';

/** `any` would be the same as everything. */
type IsNotAny<A> = 0 extends 1 & A ? false : true;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? IsNotAny<A> : false) : false;
type Hold<All extends readonly true[]> = All;

export type Facts = Hold<
  [
    // Declared once, in custom-claims.ts.
    Same<AccessTokenClaims['tenant_id'], string>,
    Same<AccessTokenClaims['plan'], 'free' | 'pro' | undefined>,
    Same<CustomClaims['tenant_id'], string>,
    // The registered ones.
    Same<AccessTokenClaims['iss'], string>,
    // What a good token may leave out.
    Same<AccessTokenClaims['sub'], string | undefined>,
    Same<AccessTokenClaims['aud'], string | readonly string[] | undefined>,
    Same<AccessTokenClaims['exp'], number | undefined>,
    Same<AccessTokenClaims['iat'], number | undefined>,
    Same<AccessTokenClaims['scope'], string | undefined>,
    // Whatever else the issuer says: narrowed before it is used.
    Same<AccessTokenClaims['department'], unknown>,
    // Outside HTTP, too.
    Same<Awaited<ReturnType<TokenValidationService['validateAccessToken']>>['tenant_id'], string>,
  ]
>;

@Injectable()
export class TrimPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return value.trim();
  }
}

@Controller()
export class ClaimsController {
  @Get('all') all(@Claims() claims: AccessTokenClaims): string {
    return claims.tenant_id.toUpperCase();
  }
  @Get('optional') optional(@Claims() claims?: AccessTokenClaims): string | undefined {
    return claims?.sub;
  }
  @Get('one') one(@Claims('tenant_id', ParseUUIDPipe) tenant: string, @Claims('sub') sub: string): string {
    return tenant + sub;
  }
  @Get('any') any(
    @Claims('https://example.com/roles') roles: unknown,
    @Claims(TrimPipe) all: unknown,
  ): unknown {
    return roles ?? all;
  }
  @Get('pipe') pipe(@Claims('sub', new TrimPipe(), TrimPipe) sub: string): string {
    return sub;
  }
  @Get('token') token(@AccessToken() token: string): number {
    return token.length;
  }
}

export function frozen(claims: AccessTokenClaims): void {
  // @ts-expect-error: every request with this token shares them
  claims.sub = 'somebody else';
  // @ts-expect-error: the application's own, too
  claims.tenant_id = 'another one';
  // @ts-expect-error: unknown until it is narrowed
  claims.department.toUpperCase();
}

export function missing(claims: AccessTokenClaims): void {
  // @ts-expect-error: a token may have no sub
  claims.sub.toUpperCase();
  // @ts-expect-error: an introspection answer may have no exp
  claims.exp.toFixed();
}

export class WrongController {
  // @ts-expect-error: a claim is named by a string
  number(@Claims(42) claim: unknown): unknown {
    return claim;
  }
  // @ts-expect-error: one claim, the rest are pipes
  two(@Claims('sub', 'iss') claim: unknown): unknown {
    return claim;
  }
  // @ts-expect-error: not a pipe
  pipe(@Claims('sub', class {}) claim: unknown): unknown {
    return claim;
  }
  // @ts-expect-error: takes nothing
  token(@AccessToken('sub') token: string): unknown {
    return token;
  }
}
