/** Who may sign in? Password and code are in the open on purpose. */
export const ann = { id: 'ann', password: 'ann-password', code: '123456' } as const;
