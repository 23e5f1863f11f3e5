import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { AccessTokenClaims } from '../token/access-token-claims.js';
import { principalIn } from './authenticated-request.js';

type Known<Name> = Name extends string ? (string extends Name ? never : Name) : never;

/** Any name; those that {@link AccessTokenClaims} knows are proposed while typing. */
export type ClaimName = keyof { [Name in keyof AccessTokenClaims as Known<Name>]: never } | (string & {});

type Pipe = Type<PipeTransform> | PipeTransform;

// Written out: what would be inferred names a type that Nest 11 does not have.
interface ClaimsDecorator {
  (...pipes: readonly Pipe[]): ParameterDecorator;
  (claim: ClaimName, ...pipes: readonly Pipe[]): ParameterDecorator;
}

/**
 * The validated claims, or with a name one of them, injected into a handler: `@Claims() claims: AccessTokenClaims`,
 * `@Claims('sub') sub: string`, `@Claims('tenant_id', ParseUUIDPipe) tenant: string`.
 *
 * `undefined` where no token was looked at (`@Public()`, or `@OptionalAuth()` without a token), and for a claim that the
 * token does not have. The name is that of the claim itself, never a path.
 */
export const Claims: ClaimsDecorator = createParamDecorator(
  (claim: string | undefined, context: ExecutionContext): unknown => {
    const claims = principalIn(context)?.claims;
    if (claim === undefined || claims === undefined) return claims;
    return Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  },
);
