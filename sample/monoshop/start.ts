/**
 * What does `npm start` do? Starts the authorization server, the two APIs and the front end, tells the story with real
 * tokens, and stays up to be played with. `--once` ends after the story, which needs no front end: 0 when all went as
 * written, 1 otherwise. `--opaque`: the Invoice API's tokens are no JWTs, and it asks the authorization server about each
 * of them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findSources } from '#support/launch/env-file.js';
import { readFlags } from '#support/launch/flags.js';
import type { ServicePlan } from '#support/launch/service.js';
import { startSample, type Played } from '#support/launch/start-sample.js';
import { discover } from '#support/story/client-credentials.js';
import { tellStory } from '#support/story/tell.js';
import { invoiceApi, SHOP_WEB_ORIGIN } from './idp/clients.js';
import { admin, clerk, type User } from './idp/users.js';
import { writeCurlLines } from './story/curl-lines.js';
import { writeSteps } from './story/steps.js';
import { collectTokens } from './story/tokens.js';

const FOLDER = new URL('.', import.meta.url);
const ISSUER = new URL('http://localhost:4000');

const flags = readFlags('once', 'opaque');
const opaque = flags.opaque || process.env.MONOSHOP_INVOICE_TOKENS === 'opaque';

/** Who the Invoice API is at the authorization server, also where its `.env` is an old one. */
const asClient = {
  MONOCLOUD_BACKEND_CLIENT_ID: invoiceApi.id,
  MONOCLOUD_BACKEND_CLIENT_SECRET: invoiceApi.secret,
};

const SOURCES = findSources(FOLDER);
// Next.js builds the front end beside its sources.
const buildWeb = new URL('../../tools/build-web.js', SOURCES);
/** A copy has brought the folder along, and is not built by the repository. */
const isCopy = existsSync(new URL('support', SOURCES));
const web: ServicePlan = {
  name: 'web',
  main: new URL('web/main.js', SOURCES),
  port: Number(process.env.MONOSHOP_WEB_PORT || 3000),
  readyPath: '/icon.svg',
  // Its own settings name port 3000.
  ...(process.env.MONOSHOP_WEB_PORT && { environment: { MONOSHOP_WEB_ORIGIN: SHOP_WEB_ORIGIN } }),
};

/** Whether there is a front end to start. Without it, everything else still works. */
function prepareWeb(): boolean {
  if (isCopy) {
    const isBuilt = existsSync(new URL('web/.next/BUILD_ID', SOURCES));
    if (!isBuilt) console.error('Without the front end, which "npm run build:web" builds.');
    return isBuilt;
  }
  const { status } = spawnSync(process.execPath, [fileURLToPath(buildWeb)], { stdio: 'inherit' });
  if (status !== 0) console.error('The front end could not be built: MonoShop starts without it.');
  return status === 0;
}

function invite(...users: readonly User[]): string {
  const people = users.map(({ id, password }) => `${id} (password ${password})`);
  return `The shop itself: http://localhost:${web.port}, for ${people.join(' or ')}`;
}

const hasWeb = !flags.once && prepareWeb();

async function play(): Promise<Played> {
  const tokens = await collectTokens(await discover(ISSUER));
  const asWritten = await tellStory(writeSteps(tokens, opaque));
  return { asWritten, curlLines: writeCurlLines(tokens) };
}

await startSample({
  folder: FOLDER,
  title: 'MonoShop',
  announcement: [
    'authorization server :4000, Product API :4001 (Express), Invoice API :4002 (Fastify)',
    ...(hasWeb ? [`front end :${web.port} (Next.js)`] : []),
    ...(opaque ? ['with opaque tokens for the Invoice API'] : []),
  ].join(', '),
  services: [
    {
      name: 'idp',
      port: 4000,
      readyPath: '/.well-known/openid-configuration',
      environment: { MONOSHOP_INVOICE_TOKENS: opaque ? 'opaque' : 'jwt' },
    },
    { name: 'product-api', port: 4001, readyPath: '/status' },
    {
      name: 'invoice-api',
      port: 4002,
      readyPath: '/status',
      environment: asClient,
    },
    ...(hasWeb ? [web] : []),
  ],
  ...(hasWeb && { invitation: invite(clerk, admin) }),
  once: flags.once,
  play,
});
