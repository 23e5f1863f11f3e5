/** Package managers that let a package load only what it declares: pnpm, and Yarn with Plug'n'Play. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyConsumer, TYPES } from './bundles.js';
import { run } from './commands.js';
import { callBoth, INSTALL } from './walk.js';

const KIND = {
  pnpm: 'nest12-esm',
  'pnpm, Nest 11': 'nest11-commonjs',
  yarn: 'nest12-esm',
  'yarn, Nest 11': 'nest11-commonjs',
};
const PACKAGES = { pnpm: 'pnpm', yarn: '@yarnpkg/cli-dist' };
const TOOLS = { typescript: '^5.9.0', '@types/node': '^20.19.0', esbuild: '*' };

export function chooseManagers({ only = '', sample = false } = {}) {
  return Object.keys(KIND).filter((name) => name.includes(only) && (!sample || name === 'pnpm'));
}

export async function installAndCall(manager, tarball, work, env) {
  const [tool] = manager.split(',');
  const program = await provide(tool, work);
  const cwd = join(work, manager.replaceAll(/\W+/g, '-'));
  copyConsumer(KIND[manager], cwd);
  const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
  manifest.dependencies['nestjs-resource-server'] = `file:${tarball}`;
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ ...manifest, devDependencies: TOOLS }));
  await MANAGERS[tool](program, cwd, env);
}

const MANAGERS = {
  async pnpm(program, cwd, env) {
    writeFileSync(
      join(cwd, 'pnpm-workspace.yaml'),
      'nodeLinker: isolated\nhoist: false\nallowBuilds: {esbuild: true}\n',
    );
    await run(program, ['install', '--no-frozen-lockfile'], { cwd });
    await run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), ...TYPES], { cwd });
    await callBoth([join('dist', 'main.js')], cwd, process.execPath, env);
  },
  async yarn(program, cwd, env) {
    writeFileSync(
      join(cwd, '.yarnrc.yml'),
      'nodeLinker: pnp\nenableTelemetry: false\nenableGlobalCache: false\n',
    );
    writeFileSync(join(cwd, 'yarn.lock'), '');
    const registry = (await run('npm', ['config', 'get', 'registry'], { cwd })).trim();
    const settings = {
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname,
      YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    };
    await run(process.execPath, [program, 'install'], { cwd, env: settings });
    await run(process.execPath, [program, 'tsc', ...TYPES], { cwd, env: settings });
    const pnp = ['--require', './.pnp.cjs', '--loader', './.pnp.loader.mjs', join('dist', 'main.js')];
    await callBoth(pnp, cwd, process.execPath, env);
  },
};

async function provide(tool, work) {
  const cwd = join(work, `tool-${tool}`);
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, 'package.json'), '{"private":true}');
  await run('npm', [...INSTALL, PACKAGES[tool]], { cwd });
  const folder = join(cwd, 'node_modules', PACKAGES[tool]);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[tool]);
}
