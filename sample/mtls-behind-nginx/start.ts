/**
 * Starts an authorization server that binds tokens to client certificates, and an API that holds them to it: behind a
 * real nginx, where there is one, and with TLS of its own. Tells the story of a theft, and stays up to be played with.
 * `--once` ends after the story: 0 when all went as written, 1 otherwise.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readFlags } from '#support/launch/flags.js';
import type { ServicePlan } from '#support/launch/service.js';
import { nameCommand, startSample, type Played } from '#support/launch/start-sample.js';
import { tellStory } from '#support/story/tell.js';
import { makeCertificates } from './certificates.js';
import { collectCast } from './story/cast.js';
import { IDP, writeSteps } from './story/steps.js';
import { writeTryLines } from './story/try-lines.js';
import { showWarning } from './story/warning.js';

const FOLDER = new URL('.', import.meta.url);
const PAST_THE_PROXY = 'api-past-proxy';
/** Not this machine (RFC 5737): there is no proxy there, and nobody who could say so. */
const A_PROXY_ELSEWHERE = '192.0.2.1';

const WITHOUT_NGINX = `No nginx: the half of the story behind it is left out. To see it, one of these:
  apt-get install nginx    (Debian, Ubuntu; as root)
  brew install nginx       (macOS)
Only the program is needed, no service. If it is there and not in PATH, name it: NGINX=/usr/sbin/nginx ${nameCommand()}
`;

const { once } = readFlags('once');
const nginx = process.env.NGINX || 'nginx';
const hasNginx = spawnSync(nginx, ['-v']).status === 0;
if (!hasNginx) console.log(WITHOUT_NGINX);
const certificates = await makeCertificates();
const { ca, folder } = certificates;

const tls = { TLS_CERTIFICATE: join(folder, 'server.pem'), TLS_KEY: join(folder, 'server-key.pem') };
const provider = { MONOCLOUD_BACKEND_PROVIDER_CA: join(folder, 'ca.pem') };

/** The same program each time; its environment says where TLS ends. */
function planApi(name: string, port: number, environment: Readonly<Record<string, string>>): ServicePlan {
  return {
    name,
    program: 'api',
    port,
    readyPath: '/status',
    environment: { PORT: String(port), TLS_CERTIFICATE: '', ...provider, ...environment },
  };
}

const behindNginx: readonly ServicePlan[] = [
  {
    name: 'nginx',
    program: 'proxy',
    port: 4031,
    readyPath: '/status',
    ca,
    environment: { NGINX: nginx, NGINX_FOLDER: folder, ...tls },
  },
  planApi('api-behind-nginx', 4032, {}),
];

async function play(outputOf: (name: string) => string): Promise<Played> {
  const cast = await collectCast(new URL(IDP), certificates);
  const asWritten = await tellStory(writeSteps(cast, hasNginx));
  const isLogged = await showWarning(() => outputOf(PAST_THE_PROXY));
  if (!hasNginx) console.log('What happens behind nginx was left out. Install it to see that.');
  return { asWritten: asWritten && isLogged, curlLines: writeTryLines(cast, folder, hasNginx) };
}

await startSample({
  folder: FOLDER,
  title: 'mtls-behind-nginx',
  announcement: `authorization server :4030, ${hasNginx ? 'nginx :4031, Order API behind it :4032' : 'no nginx, Order API'}, with TLS :4033, past a proxy :4034`,
  services: [
    { name: 'idp', port: 4030, readyPath: '/.well-known/openid-configuration', ca, environment: tls },
    ...(hasNginx ? behindNginx : []),
    { ...planApi('api-with-tls', 4033, tls), ca },
    planApi(PAST_THE_PROXY, 4034, { TRUSTED_PROXIES: A_PROXY_ELSEWHERE }),
  ],
  once,
  play,
});
