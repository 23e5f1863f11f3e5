/** Requests tokens for other APIs from the token endpoint of one issuer. RFC 6749 section 3.2, RFC 8705 section 2. */
import {
  allowInsecureRequests,
  customFetch,
  genericTokenEndpointRequest,
  type ClientAuth,
  type DPoPHandle,
} from 'oauth4webapi';
import { ConfigurationError, ProviderUnavailableError } from '../errors/auth.errors.js';
import { CircuitBreaker } from '../issuer/circuit-breaker.js';
import { prepareClientAuthentication, usesTls, type ClientOptions } from '../issuer/client-authentication.js';
import type { IssuerMetadata, IssuerMetadataSource } from '../issuer/issuer-metadata.js';
import { refuseUnlessAnswered, type ProviderAnswer } from '../issuer/provider-answer.js';
import type { ProviderClient, ProviderClientOptions } from '../issuer/provider-client.js';
import { isObject } from '../jose/strict-json.js';
import { DeadlineError, withDeadline } from '../timing/deadline.js';
import { oauthErrorOf, providerErrorOf, readIssuedToken, type IssuedToken } from './token-answer.js';
import type { GrantRequest } from './token-target.js';

/** The parts of a trusted issuer that are needed to request a token. */
export interface TokenIssuer {
  readonly options: ClientOptions &
    Pick<ProviderClientOptions, 'responseTimeout'> & { readonly issuer: string };
  readonly metadata: IssuerMetadataSource;
  readonly client: ProviderClient;
}

/** The number of seconds by which a call ends before the whole request, because its error is more precise. */
const DEADLINE_SLACK_SECONDS = 0.1;

export class TokenEndpoint {
  readonly #breaker: CircuitBreaker;
  #authentication: Promise<ClientAuth> | undefined;
  #address = '';

  constructor(private readonly issuer: TokenIssuer) {
    this.#breaker = new CircuitBreaker(issuer.options, 'token endpoint');
  }

  /**
   * Requests a token, unless the circuit breaker is open.
   *
   * @param key what the circuit breaker counts failures by: the caller's token, or the target
   * @param subject the caller's token, if one is exchanged
   * @param dpop the key that the token is to be bound to
   * @throws {ProviderError} if the provider responds with an OAuth error
   * @throws {ProviderUnavailableError} if the provider is unavailable, or its response contains no usable token
   * @throws {ConfigurationError} if there is no token endpoint, or no client is configured
   */
  async request(
    request: GrantRequest,
    { key, subject, dpop }: { key: string; subject?: string | undefined; dpop: DPoPHandle | undefined },
  ): Promise<IssuedToken> {
    const { responseTimeout, clientId } = this.issuer.options;
    if (clientId === undefined)
      throw new ConfigurationError(
        'clientId: to request tokens for other APIs, configure clientId and clientSecret',
      );
    const work = async (): Promise<IssuedToken> => {
      const metadata = await this.issuer.metadata.get();
      return this.#breaker.run(key, async () => {
        let answer = await this.#send(request, clientId, metadata, dpop);
        // RFC 9449 section 8: the next proof contains the nonce of the response.
        if (dpop && oauthErrorOf(answer) === 'use_dpop_nonce')
          answer = await this.#send(request, clientId, metadata, dpop);
        const error = oauthErrorOf(answer);
        if (error !== undefined) throw providerErrorOf(error, answer, this.#advice, subject !== undefined);
        return readIssuedToken(answer, { dpop: dpop !== undefined, subject });
      });
    };
    try {
      return await withDeadline(responseTimeout + DEADLINE_SLACK_SECONDS, work);
    } catch (cause) {
      if (!(cause instanceof DeadlineError)) throw cause;
      const detail = `token endpoint: the provider took more than ${responseTimeout} s`;
      throw new ProviderUnavailableError({ detail, cause });
    }
  }

  async #send(
    { operation, grantType, parameters }: GrantRequest,
    clientId: string,
    metadata: IssuerMetadata,
    dpop: DPoPHandle | undefined,
  ): Promise<ProviderAnswer> {
    const { client, options } = this.issuer;
    const address = (this.#address = this.#addressIn(metadata));
    this.#authentication ??= prepareClientAuthentication(options, () => this.#address);
    const authentication = await this.#authentication;

    let answer: ProviderAnswer | undefined;
    // The library creates the request. ProviderClient sends it, limits time and size, and checks the scheme.
    await genericTokenEndpointRequest(
      { issuer: metadata.issuer, token_endpoint: address },
      { client_id: clientId },
      authentication,
      grantType,
      new URLSearchParams(parameters),
      {
        ...(dpop && { DPoP: dpop }),
        [allowInsecureRequests]: true,
        [customFetch]: async (_url, init) => {
          answer = await client.send(operation, address, init, {
            presentCertificate: usesTls(options.clientAuthMethod),
          });
          // The library reads only DPoP-Nonce.
          const nonce = answer.headers.get('dpop-nonce');
          return new Response(null, nonce === null ? {} : { headers: { 'dpop-nonce': nonce } });
        },
      },
    );
    if (!answer) throw new ProviderUnavailableError({ detail: 'the token request was not sent' });
    refuseUnlessAnswered(answer);
    return answer;
  }

  /** With a client certificate, the alias of the endpoint is used, if there is one (RFC 8705 section 5). */
  #addressIn(metadata: IssuerMetadata): string {
    const aliases = isObject(metadata.mtls_endpoint_aliases) ? metadata.mtls_endpoint_aliases : {};
    const alias = usesTls(this.issuer.options.clientAuthMethod) ? aliases['token_endpoint'] : undefined;
    const address = alias ?? metadata.token_endpoint;
    if (typeof address === 'string' && URL.canParse(address)) return address;
    throw new ConfigurationError('token for another API: the metadata of the issuer has no token_endpoint');
  }

  get #advice(): string {
    const { clientAuthMethod } = this.issuer.options;
    const proof = usesTls(clientAuthMethod) ? 'clientCertificate, clientCertificateKey' : 'clientSecret';
    return `clientId, ${proof}, clientAuthMethod (${clientAuthMethod}), and what the provider lets this client do`;
  }
}
