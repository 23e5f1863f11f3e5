/** The command as a program: what a shell and a pipeline see of it. What it finds is tested in this process by doctor and explain. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { sendJson } from '../support/authorization-server.js';
import { makeAuthority } from '../support/certificates.js';
import { buildCli, findingsIn, type Cli, type RunSettings } from '../support/cli.js';
import { AUDIENCE, CLIENT_SECRET, Issuer } from '../support/issuer.js';
import { freePort } from '../support/ports.js';
import { runCli } from '../support/run-cli.js';

const PREFIX = 'MONOCLOUD_BACKEND_';

let cli: Cli;
let issuer: Issuer;

beforeAll(async () => {
  cli = buildCli();
  issuer = await Issuer.start();
});
afterAll(async () => {
  cli.remove();
  await issuer.close();
});
afterEach(() => issuer.server.recover());

const environment = (variables: Record<string, string> = {}): Record<string, string> => {
  const good = { TENANT_DOMAIN: issuer.server.issuer, AUDIENCE };
  const pairs = Object.entries({ ...good, ...variables }).map(([name, value]) => [PREFIX + name, value]);
  return Object.fromEntries(pairs) as Record<string, string>;
};
const introspecting = { CLIENT_ID: 'the-api', CLIENT_SECRET };

interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly settings: () => RunSettings | Promise<RunSettings>;
  readonly code: number;
  readonly out: RegExp;
  readonly err: RegExp;
}

const NOTHING = /^$/;

/** Every way to end, each once; a process that waits for something forgotten would not end. */
const CASES: readonly Case[] = [
  {
    name: 'help',
    args: ['--help'],
    settings: () => ({}),
    code: 0,
    out: /^Usage:/,
    err: NOTHING,
  },
  {
    name: 'wrong use',
    args: ['doctor', '--fix'],
    settings: () => ({}),
    code: 2,
    out: NOTHING,
    err: /^nestjs-resource-server: .*\n\nUsage:\n/,
  },
  {
    name: 'a set-up that is right',
    args: ['doctor'],
    settings: () => ({ env: environment(introspecting) }),
    code: 0,
    out: /\nno failures, 9 passed\n$/,
    err: NOTHING,
  },
  {
    name: 'a set-up in .env',
    args: ['doctor'],
    settings: () => ({
      files: {
        '.env': `${PREFIX}TENANT_DOMAIN=${issuer.server.issuer}\n${PREFIX}AUDIENCE=https://from.env\n`,
      },
    }),
    code: 0,
    out: /from the environment, \.env[^]*"https:\/\/from\.env"/,
    err: NOTHING,
  },
  {
    name: 'a provider that hangs',
    args: ['doctor'],
    settings: () => {
      issuer.server.answer(issuer.server.discoveryPath, () => undefined);
      return { env: environment({ RESPONSE_TIMEOUT: '0.2' }) };
    },
    code: 1,
    out: /FAIL +discovery .*no answer within 0\.2 s/,
    err: NOTHING,
  },
  {
    name: 'a good token',
    args: ['explain'],
    settings: () => ({ env: environment(), input: `${issuer.token()}\n` }),
    code: 0,
    out: /\naccepted: a valid access token for this API\n$/,
    err: NOTHING,
  },
  {
    name: 'an opaque token that is not active',
    args: ['explain', '--json'],
    settings: () => ({
      env: environment(introspecting),
      input: issuer.opaqueToken({ active: false }),
    }),
    code: 1,
    out: /^\{[^]*"verdict": ?"refused"/,
    err: NOTHING,
  },
  {
    name: 'a token that nothing can be said about',
    args: ['explain'],
    settings: async () => {
      const absent = `http://127.0.0.1:${await freePort()}`;
      return {
        env: environment({ TENANT_DOMAIN: absent }),
        input: issuer.token({ claims: { iss: absent } }),
      };
    },
    code: 3,
    out: /\ncannot be determined now: 503 provider_unavailable: .*\n$/,
    err: NOTHING,
  },
  {
    name: 'no token',
    args: ['explain'],
    settings: () => ({ env: environment() }),
    code: 2,
    out: NOTHING,
    err: /^nestjs-resource-server: standard input has no token/,
  },
];

describe('the command, as a program', () => {
  it.each(CASES)('ends by itself after $name, with $code', async ({ args, settings, code, out, err }) => {
    const run = await cli.run(args, await settings());
    expect(run.code).toBe(code);
    expect(run.out).toMatch(out);
    expect(run.err).toMatch(err);
  });

  it('finds by TLS what it finds in this process, with an authority and a certificate in files', async () => {
    const authority = await makeAuthority();
    const own = await authority.issue({ commonName: 'provider', san: ['localhost'] });
    const client = await authority.issue({ commonName: 'the-api' });
    const server = createServer(
      { cert: own.cert, key: own.key, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const base = `https://${request.headers.host}`;
        const introspection_endpoint = `${base}/introspect`;
        const { authorized } = request.socket as unknown as { authorized: boolean };
        if (request.url === '/jwks') sendJson(response, { keys: issuer.server.keys });
        else if (request.url === '/introspect') sendJson(response, authorized ? { active: false } : {});
        else sendJson(response, { issuer: base, jwks_uri: `${base}/jwks`, introspection_endpoint });
      },
    );
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    try {
      const settings = {
        files: { 'ca.pem': authority.cert, 'client.pem': client.cert, 'client.key': client.key },
        env: environment({
          TENANT_DOMAIN: `https://localhost:${(server.address() as AddressInfo).port}`,
          PROVIDER_CA: 'ca.pem',
          CLIENT_ID: 'the-api',
          CLIENT_AUTH_METHOD: 'tls_client_auth',
          CLIENT_CERTIFICATE: 'client.pem',
          CLIENT_CERTIFICATE_KEY: 'client.key',
        }),
      };
      const [there, here] = [await cli.run(['doctor'], settings), await runCli(['doctor'], settings)];
      const withoutTimes = (out: string): string[] =>
        findingsIn(out).filter((line) => !line.includes(' speed: '));
      expect(withoutTimes(there.out)).toEqual(withoutTimes(here.out));
      expect(withoutTimes(there.out)).toContain(
        'ok introspection: credentials are accepted (tls_client_auth); a random string is not active',
      );
      expect([there.code, here.code]).toEqual([0, 0]);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
