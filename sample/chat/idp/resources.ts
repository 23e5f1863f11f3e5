/** Which API are the tokens for, and what may they allow? A name, not an address: nothing is ever fetched from it. RFC 8707. */
export const CHAT = 'https://chat.example';
export const SCOPES = ['chat', 'chat:write'] as const;
