/** Who may sign in? Their passwords are in the open on purpose. */
export interface User {
  readonly id: string;
  readonly password: string;
  /** What their tokens allow. */
  readonly scopes: readonly string[];
}

export const ann: User = { id: 'ann', password: 'ann-password', scopes: ['chat', 'chat:write'] };

/** Reads only. */
export const bob: User = { id: 'bob', password: 'bob-password', scopes: ['chat'] };

export const users: readonly User[] = [ann, bob];
