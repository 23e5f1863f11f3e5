/**
 * Does what docs/deploy says work, and does each sample run as a copy of its own? Needs a registry for what applications install.
 *
 *     node test/package/production/run.js                the image, and one sample
 *     node test/package/production/run.js --all          and all samples
 *     node test/package/production/run.js --only dpop    the image, or the sample of this name
 *     node test/package/production/run.js --keep         leaves the folder, and says where it is
 *
 * Ends with "N passed, N failed".
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { freePort, run } from '../consumers/commands.js';
import { startIssuer } from '../consumers/issuer.js';
import { pack, step, summarize } from '../consumers/steps.js';
import { copySample, listSamples, startSample } from './samples.js';
import { buildImage, checkHealth, findLeftovers, startImage } from './image.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { values: options } = parseArgs({
  options: { all: { type: 'boolean' }, only: { type: 'string' }, keep: { type: 'boolean' } },
});
/** Has one API, and needs no other program. */
const SHORT = ['step-up'];
const work = mkdtempSync(join(tmpdir(), 'production-'));
// The image runs as another user.
chmodSync(work, 0o755);
function expectSame(found, expected) {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${left}, expected ${right}`);
}

/** The application of app/ as a repository of its own, with a lock file. */
async function prepareContext(tarball) {
  const context = join(work, 'context');
  cpSync(join(root, 'test', 'package', 'production', 'app'), context, { recursive: true });
  await run(
    'npm',
    ['install', '--package-lock-only', '--prefer-offline', '--no-audit', '--no-fund', tarball],
    {
      cwd: context,
    },
  );
  return context;
}

/** The paths of the probes of docs/deploy/kubernetes.yml. */
function readProbes() {
  const documents = parseAllDocuments(readFileSync(join(root, 'docs/deploy/kubernetes.yml'), 'utf8'));
  const deployment = documents.map((each) => each.toJS()).find(({ kind }) => kind === 'Deployment');
  const [container] = deployment.spec.template.spec.containers;
  return ['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => container[probe].httpGet.path);
}

async function walkImage(tarball) {
  const context = await step('application: lock file', () => prepareContext(tarball));
  if (!context) return;
  const stage = await step('Dockerfile: build', () =>
    buildImage(join(root, 'docs/deploy/Dockerfile'), context, join(work, 'image'), [tarball]),
  );
  if (!stage) return;
  await step('Dockerfile: contains what runs, and no more', () => expectSame(findLeftovers(stage), []));
  await step('Dockerfile: not root', () => expectSame(stage.user, 'node'));
  const issuer = await startIssuer();
  const images = [];
  const start = (environment) => {
    const image = startImage(stage, environment);
    images.push(image);
    return image;
  };
  try {
    const environment = { ...issuer.environment, PORT: String(await freePort()) };
    const url = `http://127.0.0.1:${environment.PORT}`;
    const headers = { authorization: `Bearer ${environment.TOKEN}` };
    const status = async (path, init) => (await fetch(url + path, init)).status;
    // Nest says that it has started before it listens; and connections to the image before are closed.
    const started = async (image) => {
      await image.says('successfully started');
      for (let tries = 0; tries < 200; tries++) {
        if (await status('/health/live').catch(() => undefined)) return;
        await sleep(50);
      }
      throw new Error('does not answer');
    };
    const image = start(environment);
    if (!(await step('image: starts', () => started(image)))) return;
    await step('image: 401, 200', async () =>
      expectSame([await status('/orders'), await status('/orders', { headers })], [401, 200]),
    );
    await step('image: health check', async () => expectSame(await checkHealth(stage, environment), 0));
    for (const path of readProbes()) {
      await step(`kubernetes.yml: ${path}`, async () => expectSame(await status(path), 200));
    }
    await step('image: answers what it has accepted, and ends', async () => {
      const last = fetch(`${url}/orders/last`, { headers });
      await image.says('waiting for SIGTERM');
      image.kill('SIGTERM');
      expectSame((await last).status, 200);
      await image.whenEnded();
    });
    await step('image: no health without it', async () =>
      expectSame(await checkHealth(stage, environment), 1),
    );
    await step('readiness: 503 if the provider does not answer, and liveness 200', async () => {
      issuer.close();
      const alone = start(environment);
      await started(alone);
      expectSame([await status('/health/live'), await status('/health/ready')], [200, 503]);
      alone.kill('SIGTERM');
      await alone.whenEnded();
    });
  } finally {
    for (const image of images) image.kill('SIGKILL');
    issuer.close();
  }
}

async function walkSamples(tarball, names) {
  for (const name of names) {
    const folder = await step(`sample: ${name}: copy and install`, () => copySample(name, tarball, work));
    if (folder) await step(`sample: ${name}: npm start`, () => startSample(folder));
  }
}

try {
  mkdirSync(join(work, 'image'), { recursive: true });
  const tarball = await step('pack', () => pack(work));
  const { all, only } = options;
  if (tarball && (only ?? 'image') === 'image') await walkImage(tarball);
  if (tarball)
    await walkSamples(
      tarball,
      listSamples().filter((name) => (only ? name === only : all || SHORT.includes(name))),
    );
} finally {
  if (options.keep) console.log(`left in ${work}`);
  else rmSync(work, { recursive: true, force: true });
}
summarize();
