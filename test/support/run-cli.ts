/** The command line in this process, which saves the start of another: all is the same but what ends a process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runCommand } from '../../lib/cli/run-command.js';
import type { Run, RunSettings } from './cli.js';
import { collect } from './no-secrets-in-output.js';

/** With an environment and a folder of its own, which are those of the process meanwhile: one at a time. */
export async function runCli(
  args: readonly string[],
  { env = {}, input = '', files = {} }: RunSettings = {},
): Promise<Run> {
  const outside = { folder: process.cwd(), env: { ...process.env } };
  const folder = mkdtempSync(join(tmpdir(), 'resource-server-run-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  let [out, err] = ['', ''];
  try {
    process.chdir(folder);
    const inherited = Object.entries(outside.env).filter(([name]) => !name.startsWith('MONOCLOUD_BACKEND_'));
    setEnvironment({ ...Object.fromEntries(inherited), ...env });
    const code = await runCommand(args, {
      stdin: Readable.from([Buffer.from(input)]),
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
    });
    return { code, out, err };
  } finally {
    setEnvironment(outside.env);
    process.chdir(outside.folder);
    rmSync(folder, { recursive: true, force: true });
    collect(out, err);
  }
}

function setEnvironment(env: NodeJS.Dict<string>): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  Object.assign(process.env, env);
}
