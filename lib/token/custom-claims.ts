/** Which claims of its own does the application's issuer write? */

/**
 * Claims that the application expects beside the registered ones. Empty here: an application adds to it, once, and finds
 * them typed in {@link AccessTokenClaims}.
 *
 * ```ts
 * declare module 'nestjs-resource-server' {
 *   interface CustomClaims {
 *     tenant_id: string;
 *   }
 * }
 * ```
 *
 * A type only: that a token has the claim, and that it is of this type, is not checked.
 */
export interface CustomClaims {}
