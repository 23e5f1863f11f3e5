/** Versions of Nest's GraphQL packages with each driver and platform: is the guard right on them? */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './commands.js';

const here = dirname(fileURLToPath(import.meta.url));
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** By the version of `@nestjs/graphql`, `@nestjs/apollo` and `@nestjs/mercurius`. */
const VERSIONS = {
  '13.4.5': { mercuriusDriver: '13.4.5', nest: '^11.0.0', config: '^4.0.0' },
  '14.0.3': { mercuriusDriver: '14.0.0', nest: '^12.0.0', config: '^12.0.0' },
};

export const nameOfGraphQL = (version) => `Nest ${version.startsWith('13.') ? 11 : 12}, GraphQL ${version}`;

export function chooseGraphQLVersions({ only = '' } = {}) {
  return Object.keys(VERSIONS).filter((version) => nameOfGraphQL(version).includes(only));
}

export async function installGraphQL(version, tarball, work) {
  const cwd = join(work, `graphql-${version}`);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), '{"private":true}');
  cpSync(join(here, 'graphql-versions'), cwd, { recursive: true });
  const { mercuriusDriver, nest, config } = VERSIONS[version];
  const packages = [
    ...['graphql', 'apollo'].map((name) => `@nestjs/${name}@${version}`),
    `@nestjs/mercurius@${mercuriusDriver}`,
    ...['common', 'core', 'platform-express', 'platform-fastify'].map((name) => `@nestjs/${name}@${nest}`),
    `@nestjs/config@${config}`,
    '@apollo/server@^5.5.1',
    '@as-integrations/express5@^1.1.2',
    '@as-integrations/fastify@^3.1.0',
    'mercurius@^16.10.1',
    'graphql@^16.10.0',
    'graphql-ws@^6.0.0',
    'ws@^8.0.0',
    'reflect-metadata@^0.2.2',
    'rxjs@^7.8.1',
  ];
  await run('npm', [...INSTALL, ...packages, tarball], { cwd });
  return cwd;
}

export function bootGraphQL(cwd, environment) {
  return run(process.execPath, ['boot.mjs'], { cwd, env: environment });
}
