/** Who may sign in? Two people of the shop; their passwords are in the open on purpose. */
export interface User {
  readonly id: string;
  readonly password: string;
  /** What they may let a program do. */
  readonly mayGrant: readonly string[];
}

export const clerk: User = { id: 'clerk', password: 'clerk-password', mayGrant: ['read:orders'] };

export const boss: User = {
  id: 'boss',
  password: 'boss-password',
  mayGrant: ['read:orders', 'write:orders'],
};

export const users: readonly User[] = [clerk, boss];
