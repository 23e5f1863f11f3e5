/** What is in the guard's place in a test? Nest makes an `AuthGuard` of its own for each module that has a class under it. */
import { Injectable, type CanActivate } from '@nestjs/common';

/** So that `overrideProvider(AuthGuard)` replaces those, too: they ask what `AuthModule` provides, where that is no `AuthGuard`. */
@Injectable()
export class GuardInPlace {
  guard: CanActivate | undefined;
}
