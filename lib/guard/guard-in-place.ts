/** Holds the guard with which a test replaces AuthGuard. */
import { Injectable, type CanActivate } from '@nestjs/common';

/**
 * Nest creates a separate `AuthGuard` for each module with a class under `@UseGuards(AuthGuard)`. These guards delegate to what
 * `AuthModule` provides if it is not an `AuthGuard`, so that `overrideProvider(AuthGuard)` replaces them too.
 */
@Injectable()
export class GuardInPlace {
  guard: CanActivate | undefined;
}
