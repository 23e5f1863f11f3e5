/** Which API are the tokens for? The address of the MCP server, as its clients know it. RFC 8707. */
export const ORDERS = 'http://localhost:4041/mcp';

export const SCOPES = ['read:orders', 'write:orders'] as const;
