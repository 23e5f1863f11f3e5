/** Does the doctor find what is wrong with a set-up, against a live provider, and say what to change? */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { sendJson } from '../support/authorization-server.js';
import { makeAuthority } from '../support/certificates.js';
import { findingsIn, type Run, type RunSettings } from '../support/cli.js';
import { AUDIENCE, CLIENT_SECRET, Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';
import { freePort } from '../support/ports.js';
import { runCli } from '../support/run-cli.js';
import { makeSmallRsaKey } from '../support/spoil.js';
import { makeKey } from '../support/tokens.js';

const PREFIX = 'MONOCLOUD_BACKEND_';

let issuer: Issuer;

beforeEach(async () => {
  issuer = await Issuer.start();
});
afterEach(() => issuer.close());

/** With a good set-up but for these variables. */
const doctor = (
  variables: Record<string, string> = {},
  args: readonly string[] = [],
  rest: RunSettings = {},
): Promise<Run> => {
  const good = { TENANT_DOMAIN: issuer.server.issuer, AUDIENCE };
  const env = Object.entries({ ...good, ...variables }).map(([name, value]) => [PREFIX + name, value]);
  return runCli(['doctor', ...args], { ...rest, env: Object.fromEntries(env) as Record<string, string> });
};

/** Credentials are looked at, unlike by the server as it starts. */
function askForSecret(secret: string): void {
  issuer.server.answer('/introspect', (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (new URLSearchParams(body).get('client_secret') === secret) sendJson(response, { active: false });
      else response.writeHead(401).end('{"error":"invalid_client"}');
    });
  });
}

describe('doctor', () => {
  it('says of a good set-up what is right with it', async () => {
    askForSecret(CLIENT_SECRET);
    const { code, out, err } = await doctor({ CLIENT_ID: 'the-api', CLIENT_SECRET });
    expect(findingsIn(out)).toEqual([
      'ok options: from the environment',
      `ok audience: "${AUDIENCE}": aud must contain exactly this`,
      `ok discovery: ${issuer.server.issuer}/.well-known/openid-configuration`,
      `ok issuer: "${issuer.server.issuer}": iss must equal this`,
      'ok transport: http, accepted for loopback hosts only',
      'ok keys: 1 of 1 usable: ES256',
      'ok introspection: credentials are accepted (client_secret_post); a random string is not active',
      "ok clock: agrees with the provider's",
      expect.stringMatching(/^ok speed: slowest of 3 responses: \d+ ms; the limit is 10 s$/),
    ]);
    expect(out.split('\n').at(-2)).toBe('no failures, 9 passed');
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  it('lists every mistake in the options', async () => {
    const secret = keepSecret('{"kty":"EC","d":"a-private-key-that-nobody-reads"}');
    const { code, out } = await doctor({
      AUDIENCE: ' ',
      CLOCK_TOLERANCE: '5m',
      CLIENT_ID: 'the-api',
      CLIENT_SECRET: secret,
      AUDEINCE: 'https://api.example.com',
    });
    expect(findingsIn(out)).toEqual([
      expect.stringContaining(
        `FAIL options: audience (${PREFIX}AUDIENCE): required -> set the variable, in the environment or in .env`,
      ),
      `FAIL options: clockTolerance (${PREFIX}CLOCK_TOLERANCE): "5m" is not a number of seconds`,
      `FAIL options: clientSecret (${PREFIX}CLIENT_SECRET): is a JWK: client_secret_post requires a string`,
      expect.stringContaining(`warn variables: unknown: ${PREFIX}AUDEINCE`),
      '- provider: not checked: the options are invalid',
    ]);
    expect(code).toBe(1);
  });

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      'an issuer without TLS',
      () => ({ TENANT_DOMAIN: 'http://issuer.example' }),
      /FAIL options: issuer \(\w+TENANT_DOMAIN\): "http:\/\/issuer.example" is not https/,
    ],
    [
      'an issuer that is called otherwise',
      () => ({ TENANT_DOMAIN: issuer.server.issuer.replace('127.0.0.1', 'localhost') }),
      /FAIL discovery: issuer: configured is "http:\/\/localhost:\d+", but its discovery document names "http:\/\/127.0.0.1:\d+" -> if tokens say iss "http:\/\/127.0.0.1:\d+", set MONOCLOUD_BACKEND_TENANT_DOMAIN to it/,
    ],
    [
      'an issuer with a wrong path',
      () => ({ TENANT_DOMAIN: `${issuer.server.issuer}/realms/other` }),
      /FAIL discovery: issuer: neither .*\/realms\/other\/.well-known\/openid-configuration nor .* exists; .* -> copy the issuer from the provider, with its whole path/,
    ],
    [
      'a host that nobody knows',
      () => ({ TENANT_DOMAIN: 'https://issuer.invalid' }),
      /FAIL discovery: https:\/\/issuer.invalid\/.* -> (the host|names) cannot be resolved/,
    ],
  ])('finds %s', async (_, variables, line) => {
    const { code, out } = await doctor(variables());
    expect(findingsIn(out)).toContainEqual(expect.stringMatching(line));
    expect(findingsIn(out).filter((each) => each.startsWith('FAIL'))).toHaveLength(1);
    expect(code).toBe(1);
  });

  it('forgives the issuer a trailing slash, and says which one tokens must have', async () => {
    const { code, out } = await doctor({ TENANT_DOMAIN: `${issuer.server.issuer}/` });
    expect(findingsIn(out)).toContain(
      `ok issuer: "${issuer.server.issuer}": iss must equal this; the configured issuer differs by a trailing slash, which is accepted`,
    );
    expect(code).toBe(0);
  });

  describe('a provider that is down', () => {
    it('refuses connections', async () => {
      const { code, out } = await doctor({ TENANT_DOMAIN: `http://127.0.0.1:${await freePort()}` });
      expect(findingsIn(out).slice(2)).toEqual([
        expect.stringMatching(
          /^FAIL discovery: http.*ECONNREFUSED.* -> nothing listens there: check that the provider is running/,
        ),
        '- provider: not checked: keys and introspection require discovery',
      ]);
      expect(code).toBe(1);
    });

    it('hangs', async () => {
      issuer.server.answer('/jwks', () => undefined);
      const { code, out } = await doctor({ RESPONSE_TIMEOUT: '0.4' });
      expect(findingsIn(out)).toContainEqual(
        expect.stringMatching(/^FAIL keys: .*no answer within 0.4 s -> .*RESPONSE_TIMEOUT sets the timeout/),
      );
      expect(code).toBe(1);
    });

    it('answers 500', async () => {
      issuer.server.answerWith(issuer.server.discoveryPath, 500, 'sorry');
      const { code, out } = await doctor();
      expect(findingsIn(out)).toContainEqual(expect.stringMatching(/^FAIL discovery: .* answered 500 -> /));
      expect(code).toBe(1);
    });
  });

  it.each([
    ['"https://api.example.com"', 'FAIL', 'contains quotes'],
    ['https://api.example.com https://b', 'FAIL', 'contains white space'],
    ['https://api.example.com/', 'warn', 'ends with a slash'],
    ['6f1c2a34-9a5b-4f0e-8a1d-2b3c4d5e6f70', 'warn', 'looks like a client id'],
    ['the-api', 'warn', "is this API's own client id"],
    ['account', 'warn', 'is what Keycloak writes'],
    ['urn:my-api', 'ok', 'aud must contain exactly this'],
  ])('looks at the audience %s', async (audience, status, found) => {
    const { code, out } = await doctor({ AUDIENCE: audience, CLIENT_ID: 'the-api', CLIENT_SECRET });
    const [, line] = findingsIn(out);
    expect(line).toMatch(new RegExp(`^${status} audience: "`));
    expect(line).toContain(found);
    expect(code).toBe(status === 'FAIL' ? 1 : 0);
  });

  describe('introspection', () => {
    it('finds a wrong client secret, and does not tell it', async () => {
      askForSecret('the-right-secret-of-the-api');
      const { code, out } = await doctor({ CLIENT_ID: 'the-api', CLIENT_SECRET });
      expect(findingsIn(out)).toContainEqual(
        expect.stringMatching(
          /^FAIL introspection: .*\/introspect answered 401 invalid_client: .* -> compare MONOCLOUD_BACKEND_CLIENT_ID, its secret or key, and MONOCLOUD_BACKEND_CLIENT_AUTH_METHOD with/,
        ),
      );
      expect(code).toBe(1);
    });

    it('finds a method that the provider does not list', async () => {
      await issuer.close();
      issuer = await Issuer.start({
        metadata: { introspection_endpoint_auth_methods_supported: ['client_secret_basic'] },
      });
      issuer.server.answerWith('/introspect', 400, '');
      const { out } = await doctor({ CLIENT_ID: 'the-api', CLIENT_SECRET });
      expect(findingsIn(out)).toContainEqual(
        expect.stringMatching(/-> the provider lists "client_secret_basic": set \w+CLIENT_AUTH_METHOD/),
      );
    });

    it.each([
      ['everything is active', { active: true }, 'reports a random string as an active token'],
      ['it is something else', { hello: 'world' }, 'the response has active: undefined'],
    ])('finds an endpoint where %s', async (_, answer, found) => {
      issuer.server.answerWith('/introspect', 200, JSON.stringify(answer));
      const { code, out } = await doctor({ CLIENT_ID: 'the-api', CLIENT_SECRET });
      expect(findingsIn(out)).toContainEqual(expect.stringMatching(`^FAIL introspection: .*${found}`));
      expect(code).toBe(1);
    });

    it('finds that there is no endpoint', async () => {
      issuer.server.answerWith('/introspect', 404, '');
      const { out } = await doctor({ CLIENT_ID: 'the-api', CLIENT_SECRET });
      expect(findingsIn(out)).toContainEqual(
        expect.stringMatching(/^FAIL introspection: .*answered 404.* -> set \w+INTROSPECTION_ENDPOINT/),
      );
    });
  });

  it.each([
    [-600, 'FAIL', '10 min ahead of', 'valid tokens are rejected as expired'],
    [600, 'FAIL', '10 min behind', 'new tokens are rejected as not yet valid'],
    [-200, 'warn', '3 min ahead of', 'still tolerates it'],
  ])('finds a clock that the provider sees %i s off', async (seconds, status, found, meaning) => {
    for (const path of ['/jwks', issuer.server.discoveryPath])
      issuer.server.answer(path, (_, response) => {
        response.setHeader('date', new Date(Date.now() + seconds * 1000).toUTCString());
        sendJson(response, path === '/jwks' ? { keys: issuer.server.keys } : issuer.server.metadata);
      });
    const { code, out } = await doctor();
    const line = findingsIn(out).find((each) => each.includes(' clock: '));
    expect(line).toMatch(new RegExp(`^${status} clock: ${found}.*${meaning}`));
    const [, skew = ''] = /CLOCK_SKEW=(-?\d+)$/.exec(line ?? '') ?? [];
    expect(Math.abs(Number(skew) + seconds)).toBeLessThanOrEqual(2);
    expect(code).toBe(status === 'FAIL' ? 1 : 0);

    const corrected = await doctor({ CLOCK_SKEW: skew });
    expect(findingsIn(corrected.out)).toContainEqual(
      expect.stringContaining("ok clock: agrees with the provider's"),
    );
  });

  it('takes the age of what a cache held back for no difference of clocks', async () => {
    for (const path of ['/jwks', issuer.server.discoveryPath])
      issuer.server.answer(path, (_, response) => {
        response.setHeader('date', new Date(Date.now() - 900_000).toUTCString()).setHeader('age', '900');
        sendJson(response, path === '/jwks' ? { keys: issuer.server.keys } : issuer.server.metadata);
      });
    expect(findingsIn((await doctor()).out)).toContain("ok clock: agrees with the provider's");
  });

  describe('where the addresses are configured', () => {
    const addresses = (): Record<string, string> => ({ JWKS_URI: `${issuer.server.origin}/jwks` });

    it.each([
      [403, ''],
      [200, '{}'],
      [500, 'sorry'],
    ])('needs no discovery: it may answer %i %s', async (code, body) => {
      issuer.server.answerWith(issuer.server.discoveryPath, code, body);
      const report = await doctor(addresses());
      expect(findingsIn(report.out)).toContainEqual(
        expect.stringMatching(/^warn discovery: the provider has none; the configured addresses are used/),
      );
      expect(findingsIn(report.out)).toContainEqual(expect.stringMatching(/^ok keys: 1 of 1 usable/));
      expect(report.code).toBe(0);
    });

    it('says that a slash of the issuer counts then', async () => {
      const { out, code } = await doctor({ ...addresses(), TENANT_DOMAIN: `${issuer.server.issuer}/` });
      expect(findingsIn(out)).toContainEqual(
        expect.stringMatching(
          /^warn issuer: "http:\/\/[\d.]+:\d+\/": .* the issuer in the provider's metadata is "http:\/\/[\d.]+:\d+" -> /,
        ),
      );
      expect(code).toBe(0);
    });
  });

  it('warns of a provider that takes long, and of http where that is accepted', async () => {
    issuer.server.delay = 600;
    const { code, out } = await doctor({ CLIENT_ID: 'the-api', CLIENT_SECRET, RESPONSE_TIMEOUT: '1' }, [
      '--set',
      'allowInsecureRequests=true',
    ]);
    expect(findingsIn(out)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^warn transport: http: /),
        expect.stringMatching(
          /^warn speed: slowest of 3 responses: \d+ ms; the limit is 1 s -> .*RESPONSE_TIMEOUT$/,
        ),
      ]),
    );
    expect(code).toBe(0);
  });

  describe('keys', () => {
    it('finds none that is usable, and why', async () => {
      const { privateKey } = makeKey('ES256');
      const weak = makeSmallRsaKey('weak').jwk;
      issuer.server.keys = [
        weak,
        { ...makeKey('RS256', 'encrypting').jwk, use: 'enc' },
        { kty: 'AKP', alg: 'ML-DSA-44', kid: 'quantum', pub: 'AA' },
        { ...(privateKey.export({ format: 'jwk' }) as object), kid: 'leaked', kty: 'EC' },
      ];
      const { code, out } = await doctor();
      expect(findingsIn(out).filter((each) => each.includes(' keys: '))).toEqual([
        expect.stringMatching(/^FAIL keys: 0 of 4 usable: no JWT can be accepted -> /),
        expect.stringMatching(/^warn keys: "weak" is not used: an RSA key of 1024 bits -> /),
        expect.stringMatching(/^warn keys: "quantum" is not used: kty "AKP" is not supported -> /),
        expect.stringMatching(/^FAIL keys: "leaked" is not used: the key set publishes its private part -> /),
      ]);
      expect(code).toBe(1);
    });

    it('finds an empty key set', async () => {
      issuer.server.keys = [];
      const { code, out } = await doctor();
      expect(findingsIn(out)).toContainEqual(expect.stringMatching(/^FAIL keys: .*the key set has no keys/));
      expect(code).toBe(1);
    });

    it('warns of keys without a name', async () => {
      const { kid: _kid, ...nameless } = makeKey('RS256').jwk;
      issuer.server.keys = [makeKey('ES256').jwk, nameless];
      const { code, out } = await doctor();
      expect(findingsIn(out)).toEqual(
        expect.arrayContaining([
          'ok keys: 2 of 2 usable: RS256, ES256',
          expect.stringMatching(/^warn keys: 1 without kid/),
        ]),
      );
      expect(code).toBe(0);
    });
  });

  it('asks for DPoP and certificates at the provider where the options do', async () => {
    const asking = { DPOP_MODE: 'required', VALIDATE_CERTIFICATE_BINDING: 'required' };
    const without = await doctor(asking);
    expect(findingsIn(without.out)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^warn DPoP: .* no dpop_signing_alg_values_supported/),
        expect.stringMatching(/^warn mTLS: .* no tls_client_certificate_bound_access_tokens/),
      ]),
    );
    await issuer.close();
    issuer = await Issuer.start({
      metadata: {
        dpop_signing_alg_values_supported: ['ES256'],
        tls_client_certificate_bound_access_tokens: true,
      },
    });
    const { out } = await doctor(asking);
    expect(findingsIn(out)).toEqual(
      expect.arrayContaining([
        'ok DPoP: the provider binds tokens: "ES256"',
        'ok mTLS: the provider binds tokens to certificates',
      ]),
    );
  });

  it('finds a certificate authority that is not known, and introspects with a certificate', async () => {
    const authority = await makeAuthority();
    const own = await authority.issue({ commonName: 'provider', san: ['localhost'] });
    const client = await authority.issue({ commonName: 'the-api' });
    const server = createServer(
      { cert: own.cert, key: own.key, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const base = `https://${request.headers.host}`;
        const metadata = {
          issuer: base,
          jwks_uri: `${base}/jwks`,
          introspection_endpoint: `${base}/introspect`,
        };
        const { authorized } = request.socket as unknown as { authorized: boolean };
        if (request.url === '/jwks') sendJson(response, { keys: issuer.server.keys });
        else if (request.url !== '/introspect') sendJson(response, metadata);
        else if (authorized) sendJson(response, { active: false });
        else response.writeHead(401).end('{"error":"invalid_client"}');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    try {
      const TENANT_DOMAIN = `https://localhost:${(server.address() as AddressInfo).port}`;
      const unknown = await doctor({ TENANT_DOMAIN });
      expect(findingsIn(unknown.out)).toContainEqual(
        expect.stringMatching(/^FAIL discovery: .* -> set \w+PROVIDER_CA to the authority/),
      );
      const files = { 'ca.pem': authority.cert, 'client.pem': client.cert, 'client.key': client.key };
      const variables = {
        TENANT_DOMAIN,
        PROVIDER_CA: 'ca.pem',
        CLIENT_ID: 'the-api',
        CLIENT_AUTH_METHOD: 'tls_client_auth',
        CLIENT_CERTIFICATE: 'client.pem',
        CLIENT_CERTIFICATE_KEY: 'client.key',
      };
      const { code, out } = await doctor(variables, [], { files });
      expect(findingsIn(out)).toEqual(
        expect.arrayContaining([
          'ok transport: https',
          'ok introspection: credentials are accepted (tls_client_auth); a random string is not active',
        ]),
      );
      expect(code).toBe(0);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('checks each of several issuers, or the one that is named', async () => {
    const other = await Issuer.start();
    try {
      const [one, two] = [issuer.server.issuer, other.server.issuer];
      const env = { [`${PREFIX}TENANT_DOMAIN`]: `${one},${two}`, [`${PREFIX}AUDIENCE`]: AUDIENCE };
      const all = await runCli(['doctor'], { env });
      expect(all.out).toContain(`${one}: keys`);
      expect(all.out).toContain(`${two}: keys`);
      const before = issuer.server.count('/.well-known/openid-configuration');
      const named = await runCli(['doctor', '--issuer', two], { env });
      expect(named.code).toBe(0);
      expect(named.out).toContain(`${two}: keys`);
      expect(named.out).not.toContain(one);
      expect(issuer.server.count('/.well-known/openid-configuration')).toBe(before);
      const unknown = await runCli(['doctor', '--issuer', 'https://elsewhere.example.com'], { env });
      expect([unknown.code, unknown.err]).toEqual([
        2,
        expect.stringContaining('--issuer takes the name of an issuer that is configured'),
      ]);
    } finally {
      await other.close();
    }
  });

  describe('the command', () => {
    const files = (): Record<string, string> => ({
      '.env': `${PREFIX}TENANT_DOMAIN="${issuer.server.issuer}" # the issuer\nexport ${PREFIX}AUDIENCE='https://from.env'\n`,
      'other.env': `${PREFIX}AUDIENCE=https://from.other\n`,
    });
    const audienceIn = (out: string): string | undefined => /audience +"([^"]+)"/.exec(out)?.[1];

    it('reads .env, other files in its stead, and the environment over all', async () => {
      const inFile = await runCli(['doctor'], { files: files() });
      expect(inFile.out).toContain('from the environment, .env');
      expect(audienceIn(inFile.out)).toBe('https://from.env');

      const args = ['doctor', '--env', 'other.env', '--env', '.env'];
      expect(audienceIn((await runCli(args, { files: files() })).out)).toBe('https://from.other');
      const env = { [`${PREFIX}AUDIENCE`]: 'https://from.process' };
      expect(audienceIn((await runCli(args, { files: files(), env })).out)).toBe('https://from.process');
    });

    it('takes another prefix, and what the application sets in code', async () => {
      const { code, out } = await runCli(
        [
          'doctor',
          '--prefix',
          'SHOP_',
          '--set',
          'audience=https://a,https://b',
          '--set',
          'dpop.mode=required',
        ],
        { env: { SHOP_ISSUER: issuer.server.issuer } },
      );
      expect(findingsIn(out)).toEqual(
        expect.arrayContaining([
          expect.stringContaining('ok audience: "https://a"'),
          expect.stringContaining('ok audience: "https://b"'),
          expect.stringContaining('warn DPoP: '),
        ]),
      );
      expect(code).toBe(0);
    });

    it('counts warnings as wrong where it is told to', async () => {
      const variables = { AUDIENCE: 'account' };
      expect((await doctor(variables)).code).toBe(0);
      expect((await doctor(variables, ['--strict'])).code).toBe(1);
      expect((await doctor({}, ['--strict'])).code).toBe(0);
    });

    it('writes JSON for programs', async () => {
      const { out } = await doctor({ AUDIENCE: 'account' }, ['--json']);
      expect(JSON.parse(out)).toMatchObject({
        command: 'doctor',
        wrong: 0,
        warnings: 1,
        right: 8,
        notChecked: 0,
        findings: expect.arrayContaining([
          { status: 'warn', check: 'audience', found: expect.any(String), change: expect.any(String) },
        ]),
      });
    });

    it.each([
      ['no command', []],
      ['a command that is none', ['diagnose']],
      ['an option that is none', ['doctor', '--fix']],
      ['an option of the other command', ['doctor', '--scope', 'x']],
      ['a file that is not there', ['doctor', '--env', 'missing.env']],
      ['an option of the module that is none', ['doctor', '--set', 'audeince=x']],
      ['a secret, where others can read it', ['doctor', '--set', `clientSecret=${CLIENT_SECRET}`]],
      ['the secret of the cache', ['doctor', '--set', `cacheSecret=${CLIENT_SECRET}`]],
      ['an argument', ['doctor', CLIENT_SECRET]],
    ])('is used wrongly with %s', async (_, args) => {
      const { code, out, err } = await runCli(args);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/^nestjs-resource-server: .*\n\nUsage:\n/);
    });

    it('says how it is used', async () => {
      expect(await runCli(['--help'])).toMatchObject({
        code: 0,
        out: expect.stringMatching(/^Usage:/),
        err: '',
      });
    });
  });
});
