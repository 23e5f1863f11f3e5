/** Projects made by the Nest CLI: does `nest add` protect them, and leave them alone the second time? */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, run, start } from './commands.js';

const INSTALL = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
const OWN_NAME = 'nestjs-resource-server';
const GIT = [
  '-c',
  'user.name=consumer',
  '-c',
  'user.email=consumer@example.com',
  '-c',
  'commit.gpgsign=false',
];

/** Nest 11 makes CommonJS with Jest, Nest 12 ES modules with Vitest. */
const CLIS = { 11: [], 12: ['--no-observe'] };

export const nameOfProject = (version) => `Nest CLI ${version}`;

export function chooseProjects({ only = '' } = {}) {
  return Object.keys(CLIS).filter((version) => nameOfProject(version).includes(only));
}

/** @returns its folder, committed, with the tarball installed */
export async function createProject(version, tarball, work) {
  const home = join(work, `nest-cli-${version}`);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  await run('npm', [...INSTALL, `@nestjs/cli@${version}`], { cwd: home });
  const flags = ['-p', 'npm', '--skip-install', '--skip-git', ...CLIS[version]];
  await run(process.execPath, [cliIn(home), 'new', 'project', ...flags], { cwd: home });
  const cwd = join(home, 'project');
  writeFileSync(join(cwd, '.gitignore'), 'node_modules\ndist\n.env\n');
  await run('npm', INSTALL, { cwd });
  await run('npm', [...INSTALL, tarball], { cwd });
  await run('git', ['init', '--quiet'], { cwd });
  await commit(cwd);
  return cwd;
}

/** What is installed already; from a registry `nest add` would install it. */
const add = (cwd, ...flags) =>
  run(process.execPath, [cliIn(cwd), 'add', OWN_NAME, '--skip-install', ...flags], { cwd });

export async function addOnce(cwd) {
  await add(cwd);
  const changed = (await run('git', ['status', '--porcelain'], { cwd }))
    .split('\n')
    .map((line) => line.slice(3));
  const expected = ['', '.env.example', 'package.json', 'src/app.module.ts'];
  if (changed.toSorted().join() !== expected.join()) throw new Error(`nest add changed ${changed.join(' ')}`);
  await run('npm', INSTALL, { cwd });
  await commit(cwd);
}

export async function addAgain(cwd) {
  await add(cwd);
  const status = await run('git', ['status', '--porcelain'], { cwd });
  if (status !== '') throw new Error(`the second nest add changed\n${status}`);
}

export async function buildAndTest(cwd) {
  await run('npm', ['run', 'build'], { cwd });
  await run('npm', ['test'], { cwd });
}

export async function callProject(cwd, environment) {
  const port = await freePort();
  const server = start(process.execPath, [join('dist', 'main.js')], {
    cwd,
    env: { ...environment, PORT: String(port) },
  });
  try {
    const url = `http://127.0.0.1:${port}/`;
    const answers = [
      await firstAnswer(url, server),
      await fetch(url, { headers: { authorization: `Bearer ${environment.TOKEN}` } }),
    ];
    const statuses = answers.map(({ status }) => status).join(' ');
    if (statuses !== '401 200') throw new Error(`answers ${statuses}, expected 401 200`);
  } finally {
    await server.stop();
  }
}

export async function onFastify(version, cwd, environment) {
  await run('npm', [...INSTALL, `@nestjs/platform-fastify@${version}`], { cwd });
  const main = join(cwd, 'src', 'main.ts');
  const text = readFileSync(main, 'utf8').replace(
    'create(AppModule)',
    'create(AppModule, new FastifyAdapter())',
  );
  writeFileSync(main, `import { FastifyAdapter } from '@nestjs/platform-fastify';\n${text}`);
  await run('npm', ['run', 'build'], { cwd });
  await callProject(cwd, environment);
  await commit(cwd);
}

/** A second application makes the project a monorepo. Only that application is changed, and once. */
export async function addToMonorepo(cwd) {
  await run(process.execPath, [cliIn(cwd), 'generate', 'app', 'pay'], { cwd });
  await commit(cwd);
  await add(cwd, '--project', 'pay');
  const status = await run('git', ['status', '--porcelain'], { cwd });
  if (status.trim() !== 'M apps/pay/src/pay.module.ts') throw new Error(`nest add changed\n${status}`);
  await commit(cwd);
  // The CLI's own build of a monorepo needs a bundler that it does not install.
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [tsc, '--noEmit', '-p', join('apps', 'pay', 'tsconfig.app.json')], { cwd });
  await add(cwd, '--project', 'pay');
  const again = await run('git', ['status', '--porcelain'], { cwd });
  if (again !== '') throw new Error(`the second nest add changed\n${again}`);
}

/** Proposed decorators compile, and the route asks for the scope. */
export async function protect(cwd, environment) {
  await run(process.execPath, [cliIn(cwd), 'generate', '-c', OWN_NAME, 'protect', 'app'], { cwd });
  const diff = await run('git', ['diff'], { cwd });
  if (!diff.includes("@Scopes('read:app')")) throw new Error(`no scope was proposed\n${diff}`);
  await run('npm', ['run', 'build'], { cwd });
  await callProject(cwd, environment).then(
    () => Promise.reject(new Error('the scope is not required')),
    ({ message }) => {
      if (!message.includes('401 403')) throw new Error(message);
    },
  );
}

const cliIn = (folder) => join(folder, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');

async function commit(cwd) {
  await run('git', ['add', '--all'], { cwd });
  await run('git', [...GIT, 'commit', '--quiet', '--message', 'as it is'], { cwd });
}

async function firstAnswer(url, server) {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (server.hasEnded()) break;
    const answer = await fetch(url).catch(() => undefined);
    if (answer) return answer;
    await sleep(100);
  }
  throw new Error(`does not listen\n${server.output()}`);
}
