/** Lets an application declare the types of its own claims. */

/**
 * Claims that an application declares in addition to the registered ones. It is empty; declarations of the application become part
 * of {@link AccessTokenClaims}.
 *
 * ```ts
 * declare module 'nestjs-resource-server' {
 *   interface CustomClaims {
 *     tenant_id: string;
 *   }
 * }
 * ```
 *
 * This is only a type: whether a token has the claim, and whether it has this type, is not checked.
 */
export interface CustomClaims {}
