import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { principalIn } from './authenticated-request.js';

type Known<Name> = Name extends string ? (string extends Name ? never : Name) : never;

/** Any name. Editors suggest the names that {@link AccessTokenClaims} declares. */
export type ClaimName = keyof { [Name in keyof AccessTokenClaims as Known<Name>]: never } | (string & {});

type Pipe = Type<PipeTransform> | PipeTransform;

// Declared explicitly, because the inferred type refers to a type that Nest 11 does not have.
interface ClaimsDecorator {
  (...pipes: readonly Pipe[]): ParameterDecorator;
  (claim: ClaimName, ...pipes: readonly Pipe[]): ParameterDecorator;
}

/**
 * Injects the validated claims into a handler, or one of them.
 *
 * The value is `undefined` if no token was read (`@Public()`, or `@OptionalAuth()` without a token), or if the token does not have
 * the claim. The name is that of the claim, never a path. The type of the parameter is not checked at run time: use a pipe.
 *
 * @example
 * ```ts
 * @Get('me') me(@Claims() claims: AccessTokenClaims) {}
 * @Get('tenant') tenant(@Claims('tenant_id', ParseUUIDPipe) tenant: string) {}
 * ```
 */
export const Claims: ClaimsDecorator = createParamDecorator(
  (claim: string | undefined, context: ExecutionContext): unknown => {
    const claims = principalIn(context)?.claims;
    if (claim === undefined || claims === undefined) return claims;
    return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  },
);
