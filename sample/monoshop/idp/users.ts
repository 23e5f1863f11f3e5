/** Who can sign in? Two people, and the groups they are in. The passwords are printed on the login page: a demo. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly password: string;
  /** The second factor, which is another one each time elsewhere. */
  readonly code: string;
  readonly groups: readonly string[];
  /** Nobody can let a program do what they may not do themselves. */
  readonly mayGrant: readonly string[];
}

export const clerk: User = {
  id: 'clerk',
  name: 'Carla Clerk',
  password: 'clerk',
  code: '111111',
  groups: ['staff'],
  mayGrant: ['read:products', 'read:invoices'],
};
export const admin: User = {
  id: 'admin',
  name: 'Ada Admin',
  password: 'admin',
  code: '222222',
  groups: ['staff', 'admin'],
  mayGrant: ['read:products', 'write:products', 'read:invoices', 'pay:invoices'],
};

export const users: readonly User[] = [clerk, admin];

export function findUser(id: string): User | undefined {
  return users.find((user) => user.id === id);
}

export function findUserByPassword(id: string, password: string): User | undefined {
  const user = findUser(id);
  return user?.password === password ? user : undefined;
}
