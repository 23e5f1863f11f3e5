/** The token endpoint of an authorization server of the tests: exchanges tokens, keeps what it was asked, fails on request. */
import type { IncomingHttpHeaders } from 'node:http';
import { sendJson } from './authorization-server.js';
import type { Issuer } from './issuer.js';
import { keepSecret } from './no-secrets-in-output.js';
import { HeldAnswers } from './held-answers.js';

export interface TokenRequest {
  readonly parameters: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
}

/** The audience of the API that is called. */
export const PRODUCTS = 'https://products.example.com';

export class TokenRequests {
  /** In order. */
  readonly all: TokenRequest[] = [];
  /** Members that replace or (undefined) remove those of a good answer. */
  members: Record<string, unknown> = {};
  /** What is answered instead: a status and a body, or nothing at all. */
  fault: readonly [status: number, body: string, headers?: Record<string, string>] | 'hang' | undefined;
  /** How long an answer takes, in milliseconds. */
  delay = 0;
  readonly #held = new HeldAnswers();
  #issued = 0;

  constructor(private readonly issuer: Issuer) {
    issuer.server.answer('/token', (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const pairs = [...new URLSearchParams(body)];
        const parameters = Object.fromEntries(pairs);
        if (pairs.length !== Object.keys(parameters).length) throw new Error('a parameter is repeated');
        this.all.push({ parameters, headers: request.headers });
        if (this.fault === 'hang') return;
        if (this.fault) {
          const [status, text, headers] = this.fault;
          response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
          return;
        }
        const answer = this.answerTo(parameters);
        this.#held.send(() => void setTimeout(() => sendJson(response, answer), this.delay));
      });
    });
  }

  /** Holds the next good answers. @returns sends them, and holds no more */
  hold(count?: number): () => void {
    return this.#held.hold(count);
  }

  get count(): number {
    return this.all.length;
  }

  get last(): Readonly<Record<string, string>> {
    return this.all.at(-1)?.parameters ?? {};
  }

  /** A token for the API that was named, with the caller's `sub`. */
  private answerTo(parameters: Readonly<Record<string, string>>): Record<string, unknown> {
    const { subject_token: subject, assertion } = parameters;
    const caller = subject ?? assertion;
    const claims = {
      aud: parameters['audience'] ?? parameters['resource'] ?? PRODUCTS,
      sub: caller === undefined ? 'the-api' : subjectOf(caller),
      scope: parameters['scope'] ?? 'read:products',
      act: { sub: 'the-api' },
      number: ++this.#issued,
    };
    return {
      access_token: keepSecret(this.issuer.token({ claims })),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 600,
      ...this.members,
    };
  }
}

/** Whose token it is. Opaque ones are all of one user. */
function subjectOf(token: string): unknown {
  return token.includes('.') ? claimsIn(token)['sub'] : 'user-1';
}

export function claimsIn(token: string): Record<string, unknown> {
  const [, payload = ''] = token.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
