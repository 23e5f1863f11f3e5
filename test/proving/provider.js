/** An authorization server over real HTTP that can be told to fail in many ways; knows what it served, and when. */
import { createServer } from 'node:http';
import { FAULTS, WITHDRAWING } from './provider-faults.js';

const PATHS = {
  '/.well-known/openid-configuration': 'discovery',
  '/jwks': 'jwks',
  '/introspect': 'introspection',
};

export class Provider {
  /** What is published now. */
  keys = [];
  /** What introspection says of a token; `active: false` of every other. */
  introspected = new Map();
  /** Bodies that replace the documents, byte for byte: `{ discovery?, jwks?, introspection? }`. */
  documents = {};
  /** The fault of each endpoint, by name; none: it works. */
  faults = {};
  /** Requests per endpoint. */
  counts = { discovery: 0, jwks: 0, introspection: 0 };
  /** Key sets that were answered in full, `{ keys, at }`, the last one last; `at` by `performance.now()`, in seconds. */
  served = [];
  /** When the discovery document and an introspection answer were last given in full; likewise. */
  servedAt = { discovery: -Infinity, introspection: -Infinity };
  /** Answers under way. */
  open = 0;
  #server = createServer((request, response) => this.#answer(request, response));
  #port = 0;

  static async start() {
    const provider = new Provider();
    await provider.listen();
    return provider;
  }

  get issuer() {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen() {
    if (this.#server.listening) return;
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = this.#server.address().port;
  }

  /** Nobody listens at the port any more: connections are refused. */
  async refuse() {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** One fault for the endpoints named, no other fault. `undefined`: all is well. */
  async fail(fault, endpoints = Object.values(PATHS)) {
    this.faults = fault === undefined ? {} : Object.fromEntries(endpoints.map((each) => [each, fault]));
    if (fault === 'refused') await this.refuse();
    else await this.listen();
  }

  close() {
    return this.refuse();
  }

  #documentOf(endpoint, form) {
    const replaced = this.documents[endpoint];
    if (replaced !== undefined) return replaced;
    if (endpoint === 'discovery') {
      const { issuer } = this;
      return JSON.stringify({
        issuer,
        jwks_uri: `${issuer}/jwks`,
        introspection_endpoint: `${issuer}/introspect`,
      });
    }
    if (endpoint === 'jwks') return JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) });
    const answer = this.introspected.get(new URLSearchParams(form).get('token'));
    return JSON.stringify(answer ?? { active: false });
  }

  #answer(request, response) {
    const endpoint = PATHS[request.url];
    if (!endpoint) {
      response.writeHead(404).end();
      return;
    }
    this.counts[endpoint]++;
    this.open++;
    response.once('close', () => this.open--);
    let form = '';
    request.setEncoding('utf8').on('data', (text) => (form += text));
    request.on('end', () => {
      const keys = this.keys;
      const body = this.#documentOf(endpoint, form);
      const fault = this.faults[endpoint];
      const at = performance.now() / 1000;
      if (fault !== undefined) {
        FAULTS[fault](response, body);
        // An empty set withdraws what was there; where nothing was, it says nothing.
        if (endpoint === 'jwks' && WITHDRAWING.has(fault) && this.served.length > 0)
          this.served.push({ keys: [], at });
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      if (endpoint === 'jwks') this.served.push({ keys, at });
      else this.servedAt[endpoint] = at;
    });
  }
}
