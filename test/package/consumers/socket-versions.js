/** Versions of Nest's WebSocket packages, with both adapters: are gateways guarded on them? */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './commands.js';

const here = dirname(fileURLToPath(import.meta.url));
const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];

/** By the range of Nest, of which the newest is taken. */
const VERSIONS = { '^11.0.0': '^4.0.0', '^12.0.0': '^12.0.0' };

export const nameOfSockets = (version) => `Nest ${version.slice(1, 3)}, WebSockets`;

export function chooseSocketVersions({ only = '' } = {}) {
  return Object.keys(VERSIONS).filter((version) => nameOfSockets(version).includes(only));
}

export async function installSockets(version, tarball, work) {
  const cwd = join(work, `sockets-${version.slice(1, 3)}`);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), '{"private":true}');
  cpSync(join(here, 'socket-versions'), cwd, { recursive: true });
  const packages = [
    ...['common', 'core', 'platform-express', 'websockets', 'platform-socket.io', 'platform-ws'].map(
      (name) => `@nestjs/${name}@${version}`,
    ),
    `@nestjs/config@${VERSIONS[version]}`,
    'socket.io-client@^4.8.0',
    'ws@^8.0.0',
    'reflect-metadata@^0.2.2',
    'rxjs@^7.8.1',
  ];
  await run('npm', [...INSTALL, ...packages, tarball], { cwd });
  return cwd;
}

export function bootSockets(cwd, environment) {
  return run(process.execPath, ['boot.mjs'], { cwd, env: environment });
}
