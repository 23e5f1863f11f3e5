/** The options for calling other APIs. */
export interface TokenExchangeOptions {
  /**
   * How the caller's token is exchanged for one of another API.
   *
   * `token-exchange`: OAuth 2.0 Token Exchange (RFC 8693). `jwt-bearer`: the on-behalf-of flow of Microsoft Entra ID, which
   * takes the caller's token as an assertion (RFC 7523); it requires `scope`, and knows no `audience`.
   *
   * @default 'token-exchange'
   */
  readonly grant: 'token-exchange' | 'jwt-bearer';
}
