/** Introspects tokens at the provider. RFC 7662 section 2, RFC 9701. */
import {
  AuthError,
  ConfigurationError,
  ProviderError,
  ProviderUnavailableError,
  TokenError,
} from '../errors/auth.errors.js';
import type { Log } from '../errors/log.js';
import { quoteForeign } from '../errors/quote-foreign.js';
import type { CircuitBreaker } from '../issuer/circuit-breaker.js';
import {
  prepareClientCredentials,
  usesTls,
  type ClientCredentials,
  type ClientOptions,
} from '../issuer/client-authentication.js';
import { decodeJwt } from '../jose/decode-jwt.js';
import type { IssuerMetadata, IssuerMetadataSource, MetadataOptions } from '../issuer/issuer-metadata.js';
import type { ClaimsOptions } from '../token/check-claims.js';
import { refuseUnlessAnswered, withoutQuery, type ProviderAnswer } from '../issuer/provider-answer.js';
import { type ProviderClient } from '../issuer/provider-client.js';
import type { SignatureVerifier } from '../issuer/signature-verifier.js';
import { isObject, parseStrictObject } from '../jose/strict-json.js';
import { withoutNulls, type IntrospectionAnswer } from './introspection-answer.js';

const FORM_HEADERS = {
  accept: 'application/json',
  'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
};

export class IntrospectionClient {
  #credentials: Promise<() => ClientCredentials | Promise<ClientCredentials>> | undefined;
  #endpoint = '';
  #hasSaidUnsupported = false;

  constructor(
    private readonly metadata: IssuerMetadataSource,
    private readonly client: ProviderClient,
    private readonly signatures: SignatureVerifier,
    private readonly breaker: CircuitBreaker,
    private readonly options: ClientOptions &
      Pick<MetadataOptions, 'introspectionEndpoint' | 'accessTokenIssuer'> &
      Pick<ClaimsOptions, 'audience'>,
    private readonly log: Log,
  ) {}

  /**
   * Calls the provider once, unless the circuit breaker prevents it. Does not check the claims of the response.
   *
   * @throws {TokenError} if the provider reports that it does not introspect this kind of token
   * @throws {ProviderError} if it rejects the credentials of this API
   * @throws {ProviderUnavailableError} if there is no usable response
   * @throws {ConfigurationError} if no introspection endpoint is known
   */
  async introspect(token: string): Promise<IntrospectionAnswer> {
    const metadata = await this.metadata.getUnlessConfigured(this.options.introspectionEndpoint);
    const answer = await this.breaker.run(token, () => this.#ask(token, metadata));
    const issuer = this.options.accessTokenIssuer ?? metadata.issuer;
    return { issuer, claims: withoutNulls(await this.#read(answer, metadata)) };
  }

  /** RFC 7662 section 2.1. */
  async #ask(token: string, metadata: IssuerMetadata): Promise<ProviderAnswer> {
    const endpoint = (this.#endpoint = this.#endpointIn(metadata));
    this.#credentials ??= prepareClientCredentials(this.options, metadata.issuer, () => this.#endpoint);
    const credentials = await (await this.#credentials)();
    const answer = await this.client.send(
      'introspection',
      endpoint,
      {
        method: 'POST',
        headers: { ...FORM_HEADERS, ...credentials.headers },
        body: `token=${encodeURIComponent(token)}&token_type_hint=access_token&${credentials.parameters}`,
      },
      { presentCertificate: usesTls(this.options.clientAuthMethod) },
    );
    refuseUnlessAnswered(answer);
    return answer;
  }

  /** Returns the endpoint. Clients that authenticate with a certificate use the alias, if there is one (RFC 8705 section 5). */
  #endpointIn(metadata: IssuerMetadata): string {
    const { introspectionEndpoint, clientAuthMethod } = this.options;
    const aliases = isObject(metadata.mtls_endpoint_aliases) ? metadata.mtls_endpoint_aliases : {};
    const alias = usesTls(clientAuthMethod) ? aliases['introspection_endpoint'] : undefined;
    const endpoint = introspectionEndpoint ?? alias ?? metadata.introspection_endpoint;
    if (typeof endpoint === 'string') return endpoint;
    const missing = usesTls(clientAuthMethod)
      ? 'neither mtls_endpoint_aliases.introspection_endpoint nor introspection_endpoint'
      : 'no introspection_endpoint';
    throw new ConfigurationError(
      `introspectionEndpoint: the metadata of the issuer has ${missing}; set the option`,
    );
  }

  async #read(answer: ProviderAnswer, metadata: IssuerMetadata): Promise<Record<string, unknown>> {
    if (answer.status !== 200) throw this.#refusal(answer);
    const contentType = answer.headers.get('content-type')?.toLowerCase() ?? '';
    if (contentType.startsWith('application/token-introspection+jwt')) {
      return this.#readSigned(answer.body.trim(), metadata);
    }
    try {
      return parseStrictObject(Buffer.from(answer.body));
    } catch {
      throw new ProviderUnavailableError({
        detail: `${withoutQuery(answer.url)}: did not answer with a JSON object`,
      });
    }
  }

  /** Reads a response that is signed by the issuer, for this API, with a `typ` that no access token has (RFC 9701 section 5). */
  async #readSigned(body: string, { issuer }: IssuerMetadata): Promise<Record<string, unknown>> {
    try {
      const jwt = decodeJwt(body);
      const { iss, aud, token_introspection: answer } = jwt.claims;
      const { typ } = jwt.header;
      if (typeof typ !== 'string' || !/^(application\/)?token-introspection\+jwt$/i.test(typ))
        throw new TypeError(`its typ is ${quoteForeign(typ)}`);
      if (iss !== issuer) throw new TypeError(`its iss is ${quoteForeign(iss)}`);
      const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
      // The RFC requires this API as the audience, but does not say by which identifier: its example uses the one of the API.
      const names: readonly unknown[] = [this.options.clientId, this.options.audience].flat();
      if (!audiences.some((each) => names.includes(each)))
        throw new TypeError(`its aud is ${quoteForeign(aud)}`);
      if (!isObject(answer)) throw new TypeError('it has no token_introspection');
      await this.signatures.verify(jwt);
      return answer;
    } catch (cause) {
      // An invalid response is a fault of the provider: a `TokenError` would make the client request a new token.
      if (cause instanceof AuthError && !(cause instanceof TokenError)) throw cause;
      const reason = cause instanceof TokenError ? cause.detail : String(cause);
      throw new ProviderUnavailableError({
        detail: `the signed introspection response is invalid: ${reason}`,
        cause,
      });
    }
  }

  #refusal({ status, body, url }: ProviderAnswer): Error {
    const error = oauthErrorIn(body);
    if (error === 'unsupported_token_type') {
      if (!this.#hasSaidUnsupported) {
        this.#hasSaidUnsupported = true;
        this.log.warn('the provider does not introspect this kind of token: check introspectJwtTokens');
      }
      return new TokenError('invalid_token', {
        reason: 'not_introspected',
        detail: 'the provider does not introspect this kind of token',
      });
    }
    const said = `${withoutQuery(url)} answered ${status} ${error ?? 'without an OAuth error'}`;
    if (status === 404 || status < 400) return new ConfigurationError(`introspectionEndpoint: ${said}`);
    const { clientAuthMethod } = this.options;
    const proof = usesTls(clientAuthMethod) ? 'clientCertificate, clientCertificateKey' : 'clientSecret';
    return new ProviderError({
      detail: `${said}: check clientId, ${proof} and clientAuthMethod (${clientAuthMethod})`,
    });
  }
}

function oauthErrorIn(body: string): string | undefined {
  try {
    const { error } = parseStrictObject(Buffer.from(body));
    return typeof error === 'string' && /^\w{1,50}$/.test(error) ? error : undefined;
  } catch {
    return undefined;
  }
}
