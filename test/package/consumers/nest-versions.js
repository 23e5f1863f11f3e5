/** Versions of Nest on which a guard might not run: the lowest of the peer range, and those that Nest mended later. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './commands.js';

const here = dirname(fileURLToPath(import.meta.url));
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** With the version of its packages for messages, which are not released together with it. */
const VERSIONS = {
  '11.0.0': '11.0.0',
  '11.0.1': '11.0.1',
  '11.1.6': '11.1.6',
  '11.1.29': '11.1.29',
  '11.2.7': '11.2.6',
  '12.0.0': '12.0.1',
  '12.1.0': '12.1.0',
};

export const nameOfVersion = (version) => `Nest ${version}`;

export function chooseVersions({ only = '' } = {}) {
  return Object.keys(VERSIONS).filter((version) => nameOfVersion(version).includes(only));
}

export async function installNest(version, tarball, work) {
  const cwd = join(work, `nest-${version}`);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), '{"private":true}');
  cpSync(join(here, 'nest-versions'), cwd, { recursive: true });
  const packages = [
    ...['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@${version}`),
    ...['microservices', 'websockets'].map((name) => `@nestjs/${name}@${VERSIONS[version]}`),
    `@nestjs/config@${version.startsWith('11.') ? '^4.0.0' : '^12.0.0'}`,
    '@grpc/grpc-js@^1.14.0',
    '@grpc/proto-loader@^0.8.0',
    version.startsWith('11.') ? 'nats@^2.29.0' : '@nats-io/transport-node@^3.4.0',
    'reflect-metadata@^0.2.2',
    'rxjs@^7.8.1',
  ];
  // The core of 12.0.0 asks for the common package of 11.
  const flags = version === '12.0.0' ? ['--legacy-peer-deps'] : [];
  await run('npm', [...INSTALL, ...flags, ...packages, tarball], { cwd });
  return cwd;
}

export function bootAll(cwd, environment) {
  return run(process.execPath, ['boot.mjs'], { cwd, env: environment });
}
