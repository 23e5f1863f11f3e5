/** The target that a token for another API is requested for, and its parameters. RFC 8693 section 2.1, RFC 8707 section 2. */
import { isScopeName } from '../access/scope-names.js';
import { ConfigurationError } from '../errors/auth.errors.js';
import { quoteAddress } from '../errors/quote-address.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { ProviderOperation } from '../issuer/provider-call.js';
import type { TokenExchangeOptions } from '../options/calling-options.js';

/** The other API that a token is requested for. */
export interface TokenTarget {
  /** The identifier of the other API at the authorization server (RFC 8693 section 2.1). */
  readonly audience?: string | undefined;
  /** The URI of the other API, for authorization servers that identify APIs by resource indicators (RFC 8707). */
  readonly resource?: string | undefined;
  /** The scopes at the other API, separated by spaces. @default the scopes that the authorization server grants */
  readonly scope?: string | undefined;
  /**
   * Requests a token that is bound to a key of this process (RFC 9449); the `fetch` that sends it adds the proofs. A token that is not
   * bound is then rejected.
   *
   * @default false
   */
  readonly dpop?: boolean | undefined;
}

/** A request to the token endpoint, before the client authenticates. */
export interface GrantRequest {
  readonly operation: ProviderOperation;
  readonly grantType: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const MEMBERS: ReadonlySet<string> = new Set(['audience', 'resource', 'scope', 'dpop']);
/** Printable characters, without a space at either end, which is a typing mistake. */
const NAME = /^[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?$/;

/** @throws {ConfigurationError} for a target that cannot be requested from any authorization server */
export function checkTarget(target: TokenTarget): void {
  if (typeof target !== 'object' || target === null) throw mistake('the target is not an object');
  // With a misspelt `scope`, the token would have every scope.
  const unknown = Object.keys(target).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined) throw mistake(`${quoteForeign(unknown)} is not a member of the target`);
  const { audience, resource, scope, dpop } = target;
  if (audience !== undefined && !(typeof audience === 'string' && NAME.test(audience)))
    throw mistake(`audience ${quoteForeign(audience)} is not a name`);
  if (resource !== undefined && !isResource(resource))
    throw mistake(`resource ${quoteAddress(resource)} is not an absolute URI without a fragment`);
  if (scope !== undefined && !(typeof scope === 'string' && scope.split(' ').every(isScopeName)))
    throw mistake(`scope ${quoteForeign(scope)} is not a list of scopes, separated by single spaces`);
  if (dpop !== undefined && typeof dpop !== 'boolean') throw mistake('dpop is neither true nor false');
}

/** RFC 8707 section 2. */
function isResource(resource: unknown): boolean {
  return typeof resource === 'string' && URL.canParse(resource) && !resource.includes('#');
}

/** Equal for targets that differ only in the order of their scopes, and different for all others. */
export function keyOf({ audience, resource, scope, dpop = false }: TokenTarget): readonly unknown[] {
  const scopes = scope === undefined ? null : [...new Set(scope.split(' '))].toSorted();
  return [audience ?? null, resource ?? null, scopes, dpop];
}

/**
 * Creates the request that exchanges the caller's token.
 *
 * @throws {ConfigurationError} if the grant cannot express the target
 */
export function exchangeRequest(
  token: string,
  target: TokenTarget,
  { grant }: TokenExchangeOptions,
): GrantRequest {
  const operation = 'token_exchange';
  if (grant === 'token-exchange') {
    return {
      operation,
      grantType: 'urn:ietf:params:oauth:grant-type:token-exchange',
      parameters: {
        ...parametersOf(target),
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    };
  }
  if (target.audience !== undefined || target.resource !== undefined)
    throw mistake('the grant jwt-bearer supports neither audience nor resource: name the API in scope');
  if (target.scope === undefined) throw mistake('the grant jwt-bearer requires scope');
  return {
    operation,
    grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    parameters: { ...parametersOf(target), assertion: token, requested_token_use: 'on_behalf_of' },
  };
}

/** RFC 6749 section 4.4. */
export function clientCredentialsRequest(target: TokenTarget): GrantRequest {
  return {
    operation: 'client_credentials',
    grantType: 'client_credentials',
    parameters: parametersOf(target),
  };
}

function parametersOf({ audience, resource, scope }: TokenTarget): Record<string, string> {
  return {
    ...(audience !== undefined && { audience }),
    ...(resource !== undefined && { resource }),
    ...(scope !== undefined && { scope }),
  };
}

function mistake(problem: string): ConfigurationError {
  return new ConfigurationError(`token for another API: ${problem}`);
}
