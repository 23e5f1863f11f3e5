/**
 * Defines the errors of this package. Each determines its response: status, code, challenge and headers. The client gets a
 * fixed public sentence, the log a private detail.
 */

/** Parameters of one `WWW-Authenticate` challenge, in the order in which they are written. */
export type ChallengeParameters = readonly (readonly [name: string, value: string])[];

type Status = 400 | 401 | 403 | 500 | 503;

/** Codes of RFC 6750 section 3.1 and RFC 6749 section 4.1.2.1, for errors without a more specific one. */
const ERROR_CODES: Readonly<Record<Status, string>> = {
  400: 'invalid_request',
  401: 'invalid_token',
  403: 'insufficient_scope',
  500: 'server_error',
  503: 'temporarily_unavailable',
};

/** A registered symbol, because an application may load two copies of this package. */
const IS_AUTH_ERROR = Symbol.for('nestjs-resource-server:error');

export interface AuthErrorOptions extends ErrorOptions {
  /**
   * The exact reason, for the log. It is never sent to the client, and contains no token, key or secret. A function is called
   * when the reason is first read, because most reasons are never read.
   */
  readonly detail?: string | (() => string);
}

/**
 * The base class of the errors that this package throws. `message` is a fixed sentence that may be shown to clients; `detail` is for
 * logs only.
 */
export abstract class AuthError extends Error {
  /** The stable, machine-readable code of the error. */
  abstract readonly code: string;
  /** The HTTP status of the guard's response. */
  abstract readonly status: Status;
  /** The configured name of the issuer whose token or response caused the error, if it is known. */
  issuer: string | undefined;
  #detail: string | (() => string) | undefined;

  /** The exact reason, for logs only. */
  get detail(): string | undefined {
    // The result replaces the function, so that a stored error does not retain the values that the function refers to.
    if (typeof this.#detail === 'function') this.#detail = this.#detail();
    return this.#detail;
  }

  /**
   * The reason for metrics: one of a fixed set of words, more specific than `code`, and never a value from the request.
   */
  get reason(): string {
    return this.code;
  }

  /** The error code for clients: of RFC 6750, RFC 9449 or RFC 6749. */
  get errorCode(): string {
    return ERROR_CODES[this.status];
  }

  /**
   * The parameters of the challenge for this error. Empty: a challenge without an error. `undefined`: no challenge, because the token is
   * not the cause.
   */
  get challengeParameters(): ChallengeParameters | undefined {
    if (this.status !== 401) return undefined;
    return [
      ['error', this.errorCode],
      ['error_description', this.message],
    ];
  }

  /** Headers of the HTTP response in addition to the challenge. */
  get headers(): Readonly<Record<string, string>> {
    return {};
  }

  /**
   * Also accepts an error of another copy of this package, because this copy's guard runs the checks of that copy's decorators.
   * Subclasses match only the errors of their own copy; `code` identifies those of any copy.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== AuthError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && IS_AUTH_ERROR in value;
  }

  get [IS_AUTH_ERROR](): true {
    return true;
  }

  constructor(message: string, { detail, ...options }: AuthErrorOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.#detail = detail;
  }
}

/**
 * The base class of errors that the caller causes. They have no stack trace: they are frequent, `detail` states the reason, and
 * collecting the stack takes longer than the checks that find the reason.
 */
export abstract class CallerError extends AuthError {
  constructor(message: string, options?: AuthErrorOptions) {
    const { stackTraceLimit } = Error;
    Reflect.set(Error, 'stackTraceLimit', 0);
    super(message, options);
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
}

/** Public sentences, one per code (RFC 6750 section 3: `error_description`). */
const TOKEN_SENTENCES = {
  invalid_token: 'The access token is invalid',
  inactive_token: 'The access token is not active',
  insufficient_scope: 'The access token lacks a required scope',
  insufficient_groups: 'The access token lacks a required group',
  insufficient_claims: 'The access token lacks a required claim',
  insufficient_user_authentication: 'The caller must sign in again, as the challenge requires',
} as const;

/** The codes of a {@link TokenError}. */
export type TokenErrorCode = keyof typeof TOKEN_SENTENCES;

/**
 * The reason of a {@link TokenError}, for metrics. `malformed`: the token cannot be read; `algorithm`, `signature`, `unknown_key`: its
 * signature; `type`, `issuer`, `audience`, `expired`, `not_yet_valid`, `claims`: its `typ` or claims; `inactive`: the provider reports
 * it as inactive; `not_introspected`: it is opaque, and introspection is not configured or does not support it; `revoked`: it was
 * revoked here; `binding`: the caller is not the client that it is bound to; `unknown_user`: `loadUser` returned no user; `scope`,
 * `group`, `claim`, `authentication`: a requirement of the route is not satisfied.
 */
export type TokenErrorReason =
  | 'malformed'
  | 'algorithm'
  | 'signature'
  | 'unknown_key'
  | 'type'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'claims'
  | 'inactive'
  | 'not_introspected'
  | 'revoked'
  | 'binding'
  | 'unknown_user'
  | 'scope'
  | 'group'
  | 'claim'
  | 'authentication';

const REASONS: Readonly<Record<TokenErrorCode, TokenErrorReason>> = {
  invalid_token: 'malformed',
  inactive_token: 'inactive',
  insufficient_scope: 'scope',
  insufficient_groups: 'group',
  insufficient_claims: 'claim',
  insufficient_user_authentication: 'authentication',
};

const STATUSES: Readonly<Record<TokenErrorCode, 401 | 403>> = {
  invalid_token: 401,
  inactive_token: 401,
  insufficient_scope: 403,
  insufficient_groups: 403,
  insufficient_claims: 403,
  insufficient_user_authentication: 401,
};

export interface TokenErrorOptions extends AuthErrorOptions {
  /** @default the reason that corresponds to the code */
  readonly reason?: TokenErrorReason;
  /** The scopes that the operation requires, if one of them is missing (RFC 6750 section 3). @default none */
  readonly scopes?: readonly string[];
  /** Further parameters of the challenge: `acr_values` and `max_age` (RFC 9470 section 3). @default none */
  readonly parameters?: ChallengeParameters;
}

/**
 * The token is invalid (`invalid_token`, `inactive_token`: 401), is not sufficient (`insufficient_scope`, `insufficient_groups`,
 * `insufficient_claims`: 403), or its user must sign in again (`insufficient_user_authentication`: 401).
 *
 * @example
 * ```ts
 * if (error instanceof TokenError && error.code === 'insufficient_scope') console.log(error.scopes);
 * ```
 */
export class TokenError extends CallerError {
  readonly code: TokenErrorCode;
  readonly status: 401 | 403;
  /** The scopes that the operation requires, if one of them is missing. */
  readonly scopes: readonly string[];
  readonly #reason: TokenErrorReason;
  readonly #parameters: ChallengeParameters;

  constructor(
    code: TokenErrorCode,
    { reason = REASONS[code], scopes = [], parameters = [], ...options }: TokenErrorOptions = {},
  ) {
    // Only this reason has its own sentence, because the client can react to it: it needs a new token.
    super(reason === 'expired' ? 'The access token expired' : TOKEN_SENTENCES[code], options);
    this.code = code;
    this.scopes = scopes;
    this.#reason = reason;
    this.#parameters = parameters;
    this.status = STATUSES[code];
  }

  override get reason(): TokenErrorReason {
    return this.#reason;
  }

  override get errorCode(): string {
    return this.code === 'insufficient_user_authentication' ? this.code : super.errorCode;
  }

  override get challengeParameters(): ChallengeParameters {
    const error = super.challengeParameters ?? [['error', this.errorCode]];
    const scope: ChallengeParameters = this.scopes.length > 0 ? [['scope', this.scopes.join(' ')]] : [];
    return [...error, ...this.#parameters, ...scope];
  }
}

/** Sets the name of the issuer that an error is about, unless it is already set. @returns the error */
export function nameIssuer(error: unknown, name: string): unknown {
  if (error instanceof AuthError) error.issuer ??= name;
  return error;
}

/** Returns the error for an invalid token: 401 `invalid_token`. */
export function invalidToken(
  reason: TokenErrorReason,
  detail: string | (() => string),
  cause?: unknown,
): TokenError {
  return new TokenError(
    'invalid_token',
    cause === undefined ? { reason, detail } : { reason, detail, cause },
  );
}

/** No token was sent: 401 with a challenge without an error (RFC 6750 section 3.1). */
export class MissingTokenError extends CallerError {
  readonly code = 'missing_token';
  readonly status = 401;

  constructor(options?: AuthErrorOptions) {
    super('No access token was sent', options);
  }

  override get errorCode(): string {
    return this.code;
  }

  override get challengeParameters(): ChallengeParameters {
    return [];
  }
}

/** The request sends more than one token (RFC 6750 section 2): 400 `invalid_request`. */
export class InvalidRequestError extends CallerError {
  readonly code = 'invalid_request';
  readonly status = 400;

  constructor(options?: AuthErrorOptions) {
    super('The request sends more than one access token', options);
  }

  override get challengeParameters(): ChallengeParameters {
    return [['error', this.errorCode]];
  }
}

/** The guard does not support this kind of context (`ExecutionContext.getType()`), so every call is rejected. */
export class UnsupportedContextError extends CallerError {
  readonly code = 'unsupported_context';
  readonly status = 401;

  constructor(type: string) {
    super('This kind of call is not supported', {
      detail: `the guard reads no token from a call of type ${type}; only @Public() handlers run there`,
    });
  }
}

/**
 * This application is misconfigured. Thrown at start-up, or at a request (500) if only the provider's responses show it.
 */
export class ConfigurationError extends AuthError {
  readonly code = 'invalid_configuration';
  readonly status = 500;
}

export interface ProviderErrorOptions extends AuthErrorOptions {
  /** The OAuth error code. @default none */
  readonly error?: string | undefined;
  /** The status of the guard's response. @default 500 */
  readonly status?: ProviderError['status'];
  /**
   * If the user must sign in again: the parameters of the challenge in addition to the error, such as `acr_values` and
   * `max_age` (RFC 9470 section 3). @default no challenge
   */
  readonly stepUp?: ChallengeParameters | undefined;
}

/**
 * The authorization server responded with an OAuth error (RFC 6749 section 5.2).
 *
 * The status is 500 if the request or the configuration of this server is the cause, for example for `invalid_client`. It is 403 if the
 * authorization server rejects the exchange of the caller's token; if the user must sign in again, with a challenge
 * `insufficient_user_authentication` (RFC 9470). It is 503 for `temporarily_unavailable`.
 */
export class ProviderError extends AuthError {
  readonly code = 'provider_error';
  readonly status: 403 | 500 | 503;
  /**
   * The OAuth error code, such as `invalid_grant`; `unknown_error` if the code does not have the form of a registered one. `undefined` if
   * introspection was rejected.
   */
  readonly error: string | undefined;
  readonly #stepUp: ChallengeParameters | undefined;

  constructor({ error, status = 500, stepUp, ...options }: ProviderErrorOptions = {}) {
    super('The authorization server rejected a request of this server', options);
    this.error = error;
    this.status = status;
    this.#stepUp = stepUp;
  }

  override get errorCode(): string {
    if (this.status !== 403) return super.errorCode;
    return this.#stepUp ? 'insufficient_user_authentication' : 'access_denied';
  }

  override get challengeParameters(): ChallengeParameters | undefined {
    if (this.status !== 403 || !this.#stepUp) return undefined;
    return [
      ['error', this.errorCode],
      ['error_description', TOKEN_SENTENCES.insufficient_user_authentication],
      ...this.#stepUp,
    ];
  }

  override get headers(): Readonly<Record<string, string>> {
    return this.status === 503 ? { 'Retry-After': '5' } : {};
  }
}

export interface ProviderUnavailableErrorOptions extends AuthErrorOptions {
  /** Seconds to wait before the next attempt. @default 5 */
  readonly retryAfter?: number | undefined;
  /** Whether the provider requested this pause with `Retry-After`, which later calls respect up to a maximum. @default false */
  readonly askedForPause?: boolean;
}

/** The authorization server is unavailable (network failure, time-out, 5xx, 429): 503 with `Retry-After`. */
export class ProviderUnavailableError extends AuthError {
  readonly code = 'provider_unavailable';
  readonly status = 503;
  /** The time after which the request can be repeated, in seconds, for `Retry-After` (RFC 9110 section 10.2.3). */
  readonly retryAfter: number;
  readonly askedForPause: boolean;

  constructor({ retryAfter = 5, askedForPause = false, ...options }: ProviderUnavailableErrorOptions = {}) {
    super('The authorization server is not available', options);
    this.retryAfter = retryAfter;
    this.askedForPause = askedForPause;
  }

  override get headers(): Readonly<Record<string, string>> {
    return { 'Retry-After': String(this.retryAfter) };
  }
}
