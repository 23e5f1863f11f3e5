/**
 * Answers token requests without checking credentials, for development: the client credentials grant of RFC 6749
 * section 4.4, with resource indicators (RFC 8707) and parameters for the content of the token.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isScopeName } from '../../access/scope-names.js';
import type { MintToken, TokenOptions } from '../mint.js';

/** The defaults of tokens that the endpoint `/token` issues. */
export interface TokenEndpointOptions extends TokenOptions {
  /** Tokens are opaque: the application has to introspect them. @default false: JWTs */
  readonly opaque?: boolean;
}

export interface TokenAnswer {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain';
  readonly body: string;
}

const DEFAULT_LIFETIME_SECONDS = 600;
/** RFC 6749 section 3.2: no other parameter may be repeated. */
const REPEATABLE = new Set(['audience', 'resource', 'groups']);
const LOOPBACK_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** A rejected token request. The messages contain nothing of the request. */
class TokenRequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

export class TokenEndpoint {
  constructor(
    private readonly mint: MintToken,
    private readonly defaults: TokenOptions,
  ) {}

  /** @param clientId the client id in the request; becomes the claim `client_id`, without a check of the secret */
  answer(headers: IncomingHttpHeaders, form: URLSearchParams, clientId: string | null): TokenAnswer {
    try {
      requireLocalProgram(headers);
      requireForm(headers, form);
      const options = { ...this.defaults, ...readTokenOptions(form), ...(clientId && { clientId }) };
      return answerWith(this.mint(options), options, headers);
    } catch (error) {
      if (!(error instanceof TokenRequestError)) throw error;
      // RFC 6749 section 5.2.
      const body = { error: error.code, error_description: error.message };
      return { status: error.status, type: 'application/json', body: `${JSON.stringify(body)}\n` };
    }
  }
}

/**
 * Rejects requests of web pages and proxies. The socket listens on loopback, but web pages (DNS rebinding) and tunnels can
 * reach it: requests of pages have an `Origin`, or a `Host` that is not loopback, and proxies add the client's address.
 */
function requireLocalProgram({ host = '', ...headers }: IncomingHttpHeaders): void {
  const url = `http://${host}`;
  const isLocal = URL.canParse(url) && LOOPBACK_HOSTS.has(new URL(url).hostname);
  const isRelayed = ['origin', 'forwarded', 'x-forwarded-for'].some((name) => headers[name] !== undefined);
  if (!isLocal || isRelayed)
    throw new TokenRequestError('access_denied', 'tokens are for programs on this machine only', 403);
}

function requireForm({ 'content-type': type }: IncomingHttpHeaders, form: URLSearchParams): void {
  if (type !== undefined && !/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type))
    throw new TokenRequestError('invalid_request', 'the request is not a form; use curl -d');
  const names = [...form.keys()];
  const repeated = names.find((name, index) => !REPEATABLE.has(name) && names.indexOf(name) !== index);
  if (repeated !== undefined) throw new TokenRequestError('invalid_request', 'a parameter is repeated');
  const grant = form.get('grant_type');
  if (grant !== null && grant !== 'client_credentials')
    throw new TokenRequestError(
      'unsupported_grant_type',
      'grant_type must be client_credentials, or omitted',
    );
}

/** Reads the content of the token. A parameter without a value counts as omitted (RFC 6749 section 3.2). */
function readTokenOptions(form: URLSearchParams): TokenOptions {
  const sub = form.get('sub');
  const audience = listIn(form, 'audience').concat(listIn(form, 'resource'));
  const groups = listIn(form, 'groups');
  return {
    ...(sub && { sub }),
    ...readScope(form),
    ...(audience.length > 0 && { audience: audience.length === 1 ? audience[0] : audience }),
    ...(groups.length > 0 && { groups }),
    ...readLifetime(form),
  };
}

function readScope(form: URLSearchParams): Pick<TokenOptions, 'scope'> {
  const scope = form.get('scope');
  if (!scope) return {};
  if (!scope.split(' ').every(isScopeName))
    throw new TokenRequestError('invalid_scope', 'scope must be a list of names separated by single spaces');
  return { scope };
}

function readLifetime(form: URLSearchParams): Pick<TokenOptions, 'expiresIn'> {
  const text = form.get('expires_in');
  if (!text) return {};
  if (!/^-?\d{1,9}$/.test(text))
    throw new TokenRequestError('invalid_request', 'expires_in must be a whole number of seconds');
  return { expiresIn: Number(text) };
}

function listIn(form: URLSearchParams, name: string): string[] {
  return form.getAll(name).filter((value) => value !== '');
}

/** Responds to `Accept: text/plain` with the token only, for shell variables. */
function answerWith(token: string, options: TokenOptions, { accept }: IncomingHttpHeaders): TokenAnswer {
  if (accept === 'text/plain') return { status: 200, type: 'text/plain', body: `${token}\n` };
  const { scope, expiresIn = DEFAULT_LIFETIME_SECONDS } = options;
  const body = {
    access_token: token,
    token_type: 'Bearer',
    expires_in: expiresIn,
    ...(scope !== undefined && { scope: typeof scope === 'string' ? scope : scope.join(' ') }),
  };
  return { status: 200, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}
