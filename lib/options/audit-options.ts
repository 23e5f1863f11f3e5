/** The options of the start-up audit of routes. */
export interface AuditOptions {
  /**
   * The handling of [routes that declare nothing](../../docs/route-table.md#audit) at start-up: `warn` logs
   * them, with `error` the application does not start.
   *
   * These have no `@Public()`, `@OptionalAuth()`, `@Scopes()`, `@Groups()`, `@CertBound()` or `@DPoPBound()` on
   * handler or class, or are routes for which no guard runs. With `error`, the application does not start either with
   * [gateways and message handlers](../../docs/route-table.md#gateways-and-message-handlers) that Nest runs without the
   * guard; otherwise these are logged as a warning.
   *
   * @default 'off'
   */
  readonly audit: 'off' | 'warn' | 'error';
  /**
   * Routes that the audit ignores: `/me`, `GET /me`. A star at the end matches any suffix: `/docs*`.
   *
   * @default none
   */
  readonly auditIgnore: readonly string[];
}
