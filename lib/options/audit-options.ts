/** The options of the start-up audit of routes. */
export interface AuditOptions {
  /**
   * What happens at start-up with [routes that declare nothing](../../docs/route-table.md#audit): `warn` logs them,
   * `error` refuses to start.
   *
   * That is, with no `@Public()`, `@OptionalAuth()`, `@Scopes()`, `@Groups()`, `@CertBound()` or `@DPoPBound()` on
   * handler or class, or with those that no guard sees. `error` also refuses
   * [gateways and message handlers](../../docs/route-table.md#gateways-and-message-handlers) that Nest runs without the
   * guard, which are warned of in any case.
   *
   * @default 'off'
   */
  readonly audit: 'off' | 'warn' | 'error';
  /**
   * Routes that the audit passes over, because they are meant to be as they are: `/me`, `GET /me`; a star at the end
   * stands for any rest: `/docs*`.
   *
   * @default none
   */
  readonly auditIgnore: readonly string[];
}
