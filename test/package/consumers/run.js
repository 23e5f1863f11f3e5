/**
 * Does the packed tarball work for every kind of consumer?
 *
 *     node test/package/consumers/run.js                    every kind, runner and Node.js, compilers in turn
 *     node test/package/consumers/run.js --all              and with each compiler
 *     node test/package/consumers/run.js --only jest        the cells whose name has this in it
 *     node test/package/consumers/run.js --only 'Nest 11'   versions of Nest, and whether the guard runs on them
 *     node test/package/consumers/run.js --only GraphQL     versions of Nest's GraphQL packages
 *     node test/package/consumers/run.js --only WebSockets  versions of Nest's WebSocket packages
 *     node test/package/consumers/run.js --only 'Nest CLI'   projects made by the Nest CLI, and nest add
 *     node test/package/consumers/run.js --keep             leaves the folder, and says where it is
 *
 * Bundlers, package managers and runtimes: builds.js, beside this file.
 *
 * Needs a registry for what consumers install. Ends with "N passed, N failed".
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chooseCells, nameOf } from './cells.js';
import { run } from './commands.js';
import { bootGraphQL, chooseGraphQLVersions, installGraphQL, nameOfGraphQL } from './graphql-versions.js';
import { startIssuer } from './issuer.js';
import {
  addAgain,
  addOnce,
  addToMonorepo,
  buildAndTest,
  callProject,
  chooseProjects,
  createProject,
  nameOfProject,
  onFastify,
  protect,
} from './nest-projects.js';
import { bootAll, chooseVersions, installNest, nameOfVersion } from './nest-versions.js';
import { bootSockets, chooseSocketVersions, installSockets, nameOfSockets } from './socket-versions.js';
import { pack, step, summarize } from './steps.js';
import { checkTypes, installConsumer, provideNode, walk } from './walk.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { values: options } = parseArgs({
  options: { all: { type: 'boolean' }, only: { type: 'string' }, keep: { type: 'boolean' } },
});
const work = mkdtempSync(join(tmpdir(), 'consumers-'));

async function walkAll(tarball) {
  const cells = chooseCells(options);
  const issuer = await startIssuer();
  try {
    const programs = {};
    for (const node of new Set(cells.map((cell) => cell.node))) {
      programs[node] = await step(`Node.js ${node} is there`, () => provideNode(node, work));
    }
    for (const kind of new Set(cells.map((cell) => cell.kind))) {
      const folder = await step(`${kind}: install`, () => installConsumer(kind, tarball, work));
      if (!folder) continue;
      await step(`${kind}: types`, () => checkTypes(folder));
      for (const cell of cells.filter((each) => each.kind === kind && programs[each.node])) {
        await step(nameOf(cell), () => walk(cell, folder, programs[cell.node], issuer.environment));
      }
    }
    for (const version of chooseVersions(options)) {
      const name = nameOfVersion(version);
      const folder = await step(`${name}: install`, () => installNest(version, tarball, work));
      if (folder) await step(`${name}: the guard runs`, () => bootAll(folder, issuer.environment));
    }
    for (const version of chooseGraphQLVersions(options)) {
      const name = nameOfGraphQL(version);
      const folder = await step(`${name}: install`, () => installGraphQL(version, tarball, work));
      if (folder) await step(`${name}: every operation`, () => bootGraphQL(folder, issuer.environment));
    }
    for (const version of chooseSocketVersions(options)) {
      const name = nameOfSockets(version);
      const folder = await step(`${name}: install`, () => installSockets(version, tarball, work));
      if (folder) await step(`${name}: gateways are guarded`, () => bootSockets(folder, issuer.environment));
    }
    for (const version of chooseProjects(options)) {
      const name = nameOfProject(version);
      const folder = await step(`${name}: new`, () => createProject(version, tarball, work));
      if (!folder) continue;
      await step(`${name}: nest add`, () => addOnce(folder));
      await step(`${name}: nest add, again`, () => addAgain(folder));
      await step(`${name}: build and tests`, () => buildAndTest(folder));
      await step(`${name}: 401 without a token`, () => callProject(folder, issuer.environment));
      await step(`${name}: on Fastify`, () => onFastify(version, folder, issuer.environment));
      await step(`${name}: protect`, () => protect(folder, issuer.environment));
      await step(`${name}: monorepo`, () => addToMonorepo(folder));
    }
  } finally {
    issuer.close();
  }
}

const bin = (...path) => join(root, 'node_modules', ...path);
try {
  const tarball = await step('pack', () => pack(work));
  if (tarball) {
    await step('publint', () =>
      run(process.execPath, [bin('publint', 'src', 'cli.js'), tarball, '--strict'], { cwd: root }),
    );
    await step('attw', () =>
      run(process.execPath, [bin('@arethetypeswrong', 'cli', 'dist', 'index.js'), tarball], { cwd: root }),
    );
    await walkAll(tarball);
  }
} finally {
  if (options.keep) console.log(`left in ${work}`);
  else rmSync(work, { recursive: true, force: true });
}
summarize();
