/** What the provider receives of the client's credentials, where it reads them in its own way. */
import type { IncomingMessage } from 'node:http';
import type { AuthModuleOptions } from 'nestjs-resource-server';
import { bootApp, PLATFORMS, type TestApp } from '../support/app.js';
import { sendJson } from '../support/authorization-server.js';
import { bearer } from '../support/http.js';
import { Issuer } from '../support/issuer.js';
import { keepSecret } from '../support/no-secrets-in-output.js';

/** Of characters that application/x-www-form-urlencoded leaves as they are. */
const PLAIN = { clientId: 'orders-api_v1.0*', clientSecret: keepSecret('a-secret_with.marks*and-more') };
/** Of others, too. */
const MARKED = { clientId: 'orders api', clientSecret: keepSecret(' a:secret/with+marks%20~and-é ') };

const credentialsOf = ({ headers }: IncomingMessage): string[] =>
  Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64')
    .toString()
    .split(':');
const decodeForm = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));

describe.each(PLATFORMS)('client_secret_basic on %s', (platform) => {
  let issuer: Issuer;
  let app: TestApp;

  beforeEach(async () => {
    issuer = await Issuer.start();
  });
  afterEach(async () => {
    await app.close();
    await issuer.close();
  });

  /** With a provider that compares what it reads so. */
  const status = async (options: AuthModuleOptions, read: (text: string) => string): Promise<number> => {
    issuer.server.answer('/introspect', (request, response) => {
      const [id, secret] = credentialsOf(request).map(read);
      if (id === options.clientId && secret === options.clientSecret)
        sendJson(response, { active: true, ...issuer.claims() });
      else response.writeHead(401).end();
    });
    const settings = { platform };
    app = await bootApp({ ...issuer.options, ...options, clientAuthMethod: 'client_secret_basic' }, settings);
    return (await app.get('/things', bearer(issuer.opaqueToken()))).status;
  };

  it('is read by a provider that does not decode, where nothing has to be encoded', async () => {
    expect(await status(PLAIN, (text) => text)).toBe(200);
  });

  it.each([PLAIN, MARKED])('is read by a provider that decodes: $clientId', async (credentials) => {
    expect(await status(credentials, decodeForm)).toBe(200);
  });
});
